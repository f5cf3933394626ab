"""A phone authority that errs or lies: nothing comes of it, and nothing that was approved is lost."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from bidclient.cli.phone import qr_lines
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.phone import LOGIN_CONTEXT, ReturnKey, phone_link, seal_return
from bidclient.crypto.private_key import usual_scheme
from bidclient.errors import (
    BadCertificate,
    BadEnvelope,
    BadFormat,
    KeyRefused,
    PersonalCertificate,
    PhoneExpired,
    PhoneRefused,
    Unreachable,
)
from bidclient.keys.mobile import MobileSource
from bidclient.keys.phone_wire import OpenedSession
from bidclient.network.clock import ticks
from tests.support.phone import PhonePerson
from tests.support.phone_company import (
    MESSAGES,
    Company,
    Steps,
    company,
    known,
    paired,
    place,
)
from tests.support.phone_lines import Scripted, scripted
from tests.support.pki import NOW, Authority, InMemoryKey

__all__ = ["company", "paired", "place"]


def test_the_authority_may_not_pass_off_a_personal_certificate(tmp_path: Path) -> None:
    person = Authority.root().issue("signing", "p-256", 40, name="张三", uscc=None).certificate
    chain = [[b64encode(person.der).decode()]]
    line = scripted({"state": "COMPLETED", "certificates": chain, "signatures": ["AAAA"]})
    with pytest.raises(PersonalCertificate):
        MobileSource(line, tmp_path / "phone.pem", ticks).pair(PhonePerson(lambda _: None))
    assert not (tmp_path / "phone.pem").exists()
    assert line.seen == ["POST", "GET", "DELETE"]


def test_an_authority_that_answers_at_once_is_not_asked_without_pause(paired: Company) -> None:
    steps = Steps()

    def pause(seconds: float) -> None:
        steps.now += seconds

    line = scripted({"state": "CREATED"})
    source = MobileSource(line, paired.source.memory, steps, pause=pause)
    person = PhonePerson(lambda _: None)
    with source.unlock(paired.signing, person) as key, pytest.raises(PhoneExpired):
        key.sign(MESSAGES, usual_scheme(key.certificate))
    assert 100 < line.seen.count("GET") < 400
    person.check()


@pytest.mark.parametrize("seconds", [9, 601, 10**9])
def test_a_session_of_no_sensible_length_is_refused(paired: Company, seconds: int) -> None:
    line = scripted({"state": "CREATED"}, expires_in=seconds)
    source = MobileSource(line, paired.source.memory, ticks)
    with source.unlock(paired.signing, PhonePerson(lambda _: None)) as key, pytest.raises(BadFormat):
        key.sign(MESSAGES, usual_scheme(key.certificate))


@pytest.mark.parametrize(
    "opened",
    [
        {"link_base": "http://127.0.0.1/" + "x" * 3000},
        {"link_base": "javascript:alert(1)"},
        {"link_base": "http://127.0.0.1/\x1b[2J"},
        {"token": "t" * 3000},
        {"token": ""},
        {"secret": "秘密"},
        {"secret": "s\r\nHost: other"},
        {"id": ".."},
    ],
    ids=str,
)
def test_what_fits_into_no_code_and_no_header_is_refused(paired: Company, opened: dict[str, object]) -> None:
    line = scripted({"state": "CREATED"}, **opened)
    source = MobileSource(line, paired.source.memory, ticks)
    with source.unlock(paired.signing, PhonePerson(lambda _: None)) as key, pytest.raises(BadFormat):
        key.sign(MESSAGES, usual_scheme(key.certificate))
    assert line.seen == ["POST"]


def test_the_longest_address_fits_into_a_code() -> None:
    line = scripted({}, link_base="http://" + "x" * 500, token="t" * 200, id="i" * 200, secret="s" * 200)
    answer = line.answers["POST"]
    assert isinstance(answer, bytes)
    opened = msgspec.json.decode(answer, type=OpenedSession)
    assert qr_lines(phone_link(opened.link_base, opened.token, opened.secret, 600, bytes(32)))


@pytest.mark.parametrize(
    "problem", [BadFormat("reply", "too long"), Unreachable("http://x", "gone")], ids=["junk", "gone"]
)
def test_what_was_approved_is_not_lost_when_the_session_cannot_be_closed(
    tmp_path: Path, problem: Exception
) -> None:
    good = Authority.root()
    signing, encryption = good.issue("signing", "p-256", 40), good.issue("encryption", "p-256", 41)
    line = Introducing(scripted({}).answers, signing=signing, encryption=encryption)
    line.answers["DELETE"] = problem
    source = MobileSource(line, tmp_path / "phone.pem", ticks)
    assert len(source.pair(PhonePerson(lambda _: None))) == 2
    assert line.seen[-1] == "DELETE"


@dataclass
class Introducing(Scripted):
    """Whoever has a signing key of the company and introduces another encryption certificate with it."""

    signing: InMemoryKey = field(kw_only=True)
    encryption: InMemoryKey = field(kw_only=True)
    above: tuple[Certificate, ...] = ()
    """What stands above the signing certificate."""

    def send(self, method: str, path: str, body: bytes = b"", **how: object) -> bytes:
        """A login that is proven by the signing key."""
        if method == "POST":
            message = LOGIN_CONTEXT + b64decode(msgspec.json.decode(body)["nonce"])
            (proof,) = self.signing.sign([message], usual_scheme(self.signing.certificate))
            chains = ((self.signing.certificate, *self.above), (self.encryption.certificate,))
            state = {
                "state": "COMPLETED",
                "signatures": [b64encode(proof).decode()],
                "certificates": [[b64encode(one.der).decode() for one in chain] for chain in chains],
            }
            self.answers["GET"] = msgspec.json.encode(state)
        return super().send(method, path, body, **how)


@pytest.mark.parametrize("genuine", [True, False])
def test_what_comes_in_as_an_issuer_is_none_of_the_companys_keys(tmp_path: Path, genuine: bool) -> None:
    """A further encryption certificate would be sealed to, if it ended last."""
    good, forger = Authority.root(), Authority.root("别的根证书", 1003)
    signing, encryption = good.issue("signing", "p-256", 40), good.issue("encryption", "p-256", 41)
    smuggled = forger.issue("encryption", "p-256", 42).certificate
    above = (good.certificate,) if genuine else (good.certificate, smuggled)
    line = Introducing(scripted({}).answers, signing=signing, encryption=encryption, above=above)
    memory = tmp_path / "phone.pem"
    source = MobileSource(line, memory, ticks)
    if genuine:
        assert [key.certificate for key in source.pair(PhonePerson(lambda _: None))] == [
            signing.certificate,
            encryption.certificate,
        ]
        return
    with pytest.raises(KeyRefused):
        source.pair(PhonePerson(lambda _: None))
    assert not memory.exists()


def test_an_encryption_certificate_of_another_issuer_is_not_paired(tmp_path: Path) -> None:
    good, other = Authority.root(), Authority.root("别的根证书", 1003)
    signing = good.issue("signing", "p-256", 40)
    forger = Authority.root(number=1004)
    cases: list[tuple[Authority, type[Exception] | None]] = [
        (good, None),
        (other, KeyRefused),
        (forger, BadCertificate),
    ]

    def check(certificate: Certificate, above: Sequence[Certificate]) -> None:
        verify_chain(certificate, above, [good.certificate], NOW, "certificate")

    for authority, error in cases:
        encryption = authority.issue("encryption", "p-256", 41)
        line = Introducing(scripted({}).answers, signing=signing, encryption=encryption)
        memory = tmp_path / authority.certificate.sha256 / "phone.pem"
        source = MobileSource(line, memory, ticks, check)
        person = PhonePerson(lambda _: None)
        if error is None:
            assert len(source.pair(person)) == 2
            continue
        with pytest.raises(error):
            source.pair(person)
        assert not memory.exists()


@pytest.mark.parametrize(
    "state",
    [
        {"state": "COMPLETED"},
        {"state": "COMPLETED", "certificates": [[]], "signatures": ["AAAA"]},
        {"state": "COMPLETED", "certificates": [["not base64!"]], "signatures": ["AAAA"]},
        {"state": "DANCING"},
        {"state": 7},
    ],
)
def test_answers_that_make_no_sense_are_refused(tmp_path: Path, state: dict[str, object]) -> None:
    line = scripted(state)
    with pytest.raises(BadFormat):
        MobileSource(line, tmp_path / "phone.pem", ticks).pair(PhonePerson(lambda _: None))
    assert line.seen[-1] == "DELETE"


def test_what_the_authority_says_of_persons_is_passed_over(paired: Company) -> None:
    number = "13812345678"
    source = MobileSource(scripted({"state": "REFUSED", "phone": number}), paired.source.memory, ticks)
    with (
        source.unlock(paired.signing, PhonePerson(lambda _: None)) as key,
        pytest.raises(PhoneRefused) as caught,
    ):
        key.sign(MESSAGES, usual_scheme(key.certificate))
    assert number not in str(caught.value)
    assert number not in paired.log.read_text("utf-8")


def test_fewer_signatures_than_asked_for_are_none(paired: Company) -> None:
    line = scripted({"state": "COMPLETED", "signatures": ["AAAA"]})
    source = MobileSource(line, paired.source.memory, ticks)
    with source.unlock(paired.signing, PhonePerson(lambda _: None)) as key:
        for messages in ([b"one", b"two"], [b"one"]):
            with pytest.raises(KeyRefused):
                key.sign(messages, usual_scheme(key.certificate))


def test_a_damaged_memory_is_forgotten_and_paired_anew(paired: Company) -> None:
    paired.source.memory.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert known(paired.source) == []
    assert len(paired.pair()) == 2
    assert len(known(paired.source)) == 2
    paired.source.memory.write_bytes(bytes(1024 * 1024 + 1))
    assert known(paired.source) == []


def test_what_comes_back_opens_with_its_own_key_and_session_only() -> None:
    key, information = ReturnKey(), b"session"
    sealed = seal_return(key.point, b"content key", information)
    assert key.open(sealed, information) == b"content key"
    for other, about, data in (
        (ReturnKey(), information, sealed),
        (key, b"another session", sealed),
        (key, information, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (key, information, b""),
    ):
        with pytest.raises(BadEnvelope):
            other.open(data, about)
    with pytest.raises(BadFormat):
        seal_return(b"\4" + bytes(64), b"content key", information)

"""An authority that errs or lies, a line that loses and forges, a thief of links: nothing comes of it."""

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import pytest
import requests

from bidclient.ask import Nobody, PhoneRequest
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.phone import LOGIN_CONTEXT, ReturnKey, bound_digest, phone_link, seal_return
from bidclient.crypto.private_key import usual_scheme
from bidclient.errors import (
    BadCertificate,
    BadEnvelope,
    BadFormat,
    Cancelled,
    KeyRefused,
    PersonalCertificate,
    PhoneExpired,
    PhoneRefused,
    Unreachable,
    Untrusted,
)
from bidclient.keys.mobile import MobileSource
from bidclient.keys.phone_wire import SESSIONS, OpenedSession
from bidclient.network.clock import ticks
from bidclient.network.mobile import MobileLine
from bidclient.sandbox.phone_sessions import LINK_SECONDS, PhoneSessions
from bidclient.sandbox.phone_wallet import Wallet
from tests.support.phone import PhonePerson, PhonePlayer
from tests.support.phone_company import (
    KINDS,
    MESSAGES,
    Company,
    Place,
    Steps,
    company,
    known,
    live,
    paired,
    paired_with,
    place,
)
from tests.support.pki import NOW, Authority, InMemoryKey

__all__ = ["company", "paired", "place"]


# ---------------------------------------------------------------------------------- what may go wrong


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_signature_from_the_authority_is_refused(company: Company, place: Place, kind: str) -> None:
    paired_with(company, place, kind)
    company.sandbox.fault("phone-wrong-signature")
    with pytest.raises(KeyRefused, match="does not match the certificate"):
        company.sign(company.person())
    assert len(company.sign(company.person())) == 3


def test_a_login_that_proves_nothing_is_refused(company: Company) -> None:
    company.sandbox.fault("phone-wrong-signature")
    with pytest.raises(KeyRefused, match="does not match the certificate"):
        company.pair()
    assert known(company.source) == []


def test_a_slow_phone_is_waited_for(paired: Company) -> None:
    paired.sandbox.fault("phone-slow", 0.5)
    start = ticks()
    assert len(paired.sign(paired.person())) == 3
    assert ticks() - start >= 0.5


def test_an_expired_link_is_told_on_the_phone_and_a_fresh_one_works(paired: Company) -> None:
    paired.sandbox.fault("qr-expired")

    def twice(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).json()["code"] == "gone"
        paired.player.approve(request)

    person = PhonePerson(twice)
    assert len(paired.sign(person)) == 3
    person.check()


def test_the_link_is_renewed_and_an_old_one_is_refused(paired: Company) -> None:
    there, here = Steps(), Steps()
    paired.sandbox.world.phone = PhoneSessions(Wallet(paired.sandbox.data), there)
    source = MobileSource(paired.source.line, paired.source.memory, here)
    person = PhonePerson(lambda request: None)

    def act(request: PhoneRequest) -> None:
        there.now = here.now = LINK_SECONDS + 5
        assert paired.player.scan(request.address).json()["code"] == "gone"
        end = ticks() + 20
        while len(person.requests) < 2:
            assert ticks() < end, "no fresh link"
            threading.Event().wait(0.02)
        assert person.requests[1].verification_code == request.verification_code
        paired.player.approve(person.requests[1])

    person.act = act
    with source.unlock(paired.signing, person) as key:
        assert len(key.sign(MESSAGES, usual_scheme(key.certificate))) == 3
    person.check()


def test_a_link_is_good_for_one_phone_once(paired: Company) -> None:
    thief = PhonePlayer(paired.sandbox.url, paired.player.identity)

    def act(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).ok
        assert paired.player.scan(request.address).ok, "the same phone may ask again: its answer may be lost"
        assert thief.scan(request.address).json()["code"] == "gone"
        assert thief.decide(request.address, request.verification_code).json()["code"] == "not-yours"
        paired.player.approve(request)
        assert paired.player.scan(request.address).json()["code"] == "gone"
        assert thief.scan(request.address).json()["code"] == "gone"

    person = PhonePerson(act)
    assert len(paired.sign(person)) == 3
    person.check()


def test_a_forged_link_is_refused(paired: Company) -> None:
    def act(request: PhoneRequest) -> None:
        address = request.address.partition("&a=")
        assert paired.player.scan(f"{address[0]}&a={'A' * 22}").json()["code"] == "not-found"
        moved = address[0].replace("e=0", "e=9") + "&a=" + address[2]
        assert paired.player.scan(moved).json()["code"] == "not-found"
        paired.player.approve(request)

    person = PhonePerson(act)
    assert len(paired.sign(person)) == 3
    person.check()


@dataclass(frozen=True)
class Tampering:
    """A line on which somebody exchanges the first digest on its way."""

    line: MobileLine
    forged: bytes

    @property
    def name(self) -> str:
        """As the real one."""
        return self.line.name

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str = "",
        parameters: dict[str, str | int] | None = None,
    ) -> bytes:
        """As the real one, but for what is to be signed."""
        if method == "POST":
            asked = msgspec.json.decode(body)
            asked["digests"][0]["value"] = b64encode(self.forged).decode()
            body = msgspec.json.encode(asked)
        return self.line.send(method, path, body, secret=secret, parameters=parameters)


def test_digests_exchanged_on_the_way_are_found_by_link_code_and_signature(paired: Company) -> None:
    forged = b"\7" * 32
    line = Tampering(MobileLine(paired.sandbox.url), forged)
    source = MobileSource(line, paired.source.memory, ticks)
    session: list[OpenedSession] = []

    def act(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).json()["code"] == "not-found"
        found = live(paired.sandbox)
        # Whoever tampers may make a link of his own: then the computer's code is not on the phone.
        bound = bound_digest("sign", [forged])
        link = phone_link(f"{paired.sandbox.url}/phone/", found.token, found.secret, 0, bound)
        shown = paired.player.scan(link).json()
        assert found.code in shown["codes"]
        assert request.verification_code != found.code
        # And should the person not compare, the signature is over something else.
        assert paired.player.decide(link, found.code).json()["state"] == "COMPLETED"
        session.append(OpenedSession(found.id, found.token, "", "", 0, 0))

    person = PhonePerson(act)
    with source.unlock(paired.signing, person) as key, pytest.raises(KeyRefused, match="does not match"):
        key.sign([b"what we want signed"], usual_scheme(key.certificate))
    person.check()
    assert session


def test_another_point_for_the_answer_is_another_request() -> None:
    ours, other = ReturnKey().point, ReturnKey().point
    digests = {bound_digest("unwrap", [b"key"], point) for point in (ours, other, b"")}
    assert len(digests) == 3


@dataclass(frozen=True)
class Diverting(Tampering):
    """A line at whose other end somebody wants what the phone opens for himself: `forged` is his point."""

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str = "",
        parameters: dict[str, str | int] | None = None,
    ) -> bytes:
        """As the real one, but for where the answer goes."""
        if method == "POST":
            asked = msgspec.json.decode(body)
            asked["return_point"] = b64encode(self.forged).decode()
            body = msgspec.json.encode(asked)
        return self.line.send(method, path, body, secret=secret, parameters=parameters)


def test_an_answer_diverted_on_the_way_is_found_by_link_and_code(paired: Company) -> None:
    line = Diverting(MobileLine(paired.sandbox.url), ReturnKey().point)
    source = MobileSource(line, paired.source.memory, ticks)
    person = PhonePerson(lambda _: None)

    def act(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).json()["code"] == "not-found"
        found = live(paired.sandbox)
        assert found.bound != bound_digest("unwrap", found.items)
        person.stop = True

    person.act = act
    envelope = cms.make_envelope(b"secret", paired.encryption.certificate)
    with source.unlock(paired.encryption, person) as key, pytest.raises(Cancelled):
        key.unwrap(envelope)
    person.check()


@pytest.mark.parametrize("times", [1, 2])
def test_lost_answers_do_no_harm(paired: Company, times: int) -> None:
    paired.sandbox.fault("drop-after-commit", times)

    def patient(request: PhoneRequest) -> None:
        for _ in range(5):
            try:
                paired.player.approve(request)
            except requests.ConnectionError:
                continue
            return

    # The first loss hits the opening of the session; what is left hits the phone.
    person = PhonePerson(patient)
    assert len(paired.sign(person)) == 3
    person.check()


def test_the_answers_to_the_phone_may_be_lost(paired: Company) -> None:
    def lost(send: Callable[[], requests.Response]) -> None:
        paired.sandbox.fault("drop-after-commit", 1)
        with pytest.raises(requests.ConnectionError):
            send()

    def act(request: PhoneRequest) -> None:
        lost(partial(paired.player.scan, request.address))
        assert request.verification_code in paired.player.scan(request.address).json()["codes"]
        lost(partial(paired.player.decide, request.address, request.verification_code))
        again = paired.player.decide(request.address, request.verification_code)
        assert again.json()["state"] == "COMPLETED"

    person = PhonePerson(act)
    assert len(paired.sign(person)) == 3
    person.check()


def test_an_authority_out_of_reach(paired: Company) -> None:
    source = MobileSource(MobileLine("http://127.0.0.1:9"), paired.source.memory, ticks)
    assert [key.id for key in known(source)] == [key.id for key in known(paired.source)]
    with source.unlock(paired.signing, Nobody()) as key, pytest.raises(Unreachable):
        key.sign(MESSAGES, usual_scheme(key.certificate))


@pytest.mark.parametrize(
    "address", ["http://ca.example.cn", "ftp://127.0.0.1", "https://user:pw@ca.example.cn"]
)
def test_an_unsafe_address_is_refused(address: str) -> None:
    with pytest.raises(Untrusted):
        MobileLine(address).send("GET", SESSIONS)


# --------------------------------------------------------------------------- authorities that mislead


@dataclass
class Scripted:
    """A line at whose other end somebody answers what a test wants."""

    answers: dict[str, bytes]
    name: str = "scripted"
    seen: list[str] = field(default_factory=list)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str = "",
        parameters: dict[str, str | int] | None = None,
    ) -> bytes:
        """The prepared answer to this method."""
        self.seen.append(method)
        return self.answers[method]


def scripted(state: dict[str, object]) -> Scripted:
    opened = OpenedSession("id", "token", "secret", "http://127.0.0.1/phone/", 60, 20)
    return Scripted({"POST": msgspec.json.encode(opened), "GET": msgspec.json.encode(state), "DELETE": b""})


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
    line = scripted({"state": "CREATED"})
    line.answers["POST"] = msgspec.json.encode(OpenedSession("id", "t", "s", "http://x/", seconds, 20))
    source = MobileSource(line, paired.source.memory, ticks)
    with source.unlock(paired.signing, PhonePerson(lambda _: None)) as key, pytest.raises(BadFormat):
        key.sign(MESSAGES, usual_scheme(key.certificate))


@dataclass
class Introducing(Scripted):
    """Whoever has a signing key of the company and introduces another encryption certificate with it."""

    signing: InMemoryKey = field(kw_only=True)
    encryption: InMemoryKey = field(kw_only=True)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str = "",
        parameters: dict[str, str | int] | None = None,
    ) -> bytes:
        """A login that is proven by the signing key."""
        if method == "POST":
            message = LOGIN_CONTEXT + b64decode(msgspec.json.decode(body)["nonce"])
            (proof,) = self.signing.sign([message], usual_scheme(self.signing.certificate))
            keys = (self.signing, self.encryption)
            state = {
                "state": "COMPLETED",
                "signatures": [b64encode(proof).decode()],
                "certificates": [[b64encode(one.certificate.der).decode()] for one in keys],
            }
            self.answers["GET"] = msgspec.json.encode(state)
        return super().send(method, path, body, secret=secret, parameters=parameters)


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

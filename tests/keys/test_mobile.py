"""Keys on a phone, over HTTP, against the sandbox's phone authority: good ends, and every other end."""

import re
import threading

import pytest

from bidclient.ask import Nobody, PhoneRequest
from bidclient.crypto import cms
from bidclient.crypto.phone import bound_digest, phone_link, verification_code
from bidclient.crypto.private_key import SignatureScheme, WrapScheme, usual_scheme
from bidclient.errors import (
    BadEnvelope,
    Cancelled,
    KeyRefused,
    OtherProvince,
    PersonalCertificate,
    PhoneBusy,
    PhoneCertificateRevoked,
    PhoneCodeWrong,
    PhoneExpired,
    PhoneRefused,
)
from bidclient.keys.mobile import MobileKey, MobileSource
from bidclient.network.clock import ticks
from bidclient.sandbox import pki
from bidclient.sandbox.phone_sessions import SESSION_SECONDS, PhoneSessions
from bidclient.sandbox.phone_wallet import Wallet
from tests.support.phone import PhonePerson
from tests.support.phone_company import (
    KINDS,
    MESSAGES,
    NAME,
    USCC,
    Company,
    Place,
    Steps,
    company,
    known,
    paired,
    paired_with,
    place,
)

__all__ = ["company", "paired", "place"]


# ------------------------------------------------------------------------------------------- good ends


def test_nothing_is_known_before_the_phone_is_paired(company: Company) -> None:
    assert known(company.source) == []
    keys = company.pair()
    assert [key.certificate.uscc for key in keys] == [USCC, USCC]
    assert {key.source for key in keys} == {"phone"}
    again = MobileSource(company.source.line, company.source.memory, ticks)
    assert [key.id for key in known(again)] == [key.id for key in keys]
    assert all(key.id.startswith("phone:") for key in keys)


@pytest.mark.parametrize("kind", KINDS)
def test_one_approval_signs_a_batch(company: Company, place: Place, kind: str) -> None:
    paired_with(company, place, kind)
    person = company.person()
    with company.source.unlock(company.signing, person) as key:
        assert key.certificate.key_algorithm == kind
        assert [one.is_ca for one in key.chain] == [True]
        scheme = usual_scheme(key.certificate)
        # Each is verified with the certificate on its way out, here once more as a message's signature.
        assert len(key.sign(MESSAGES, scheme)) == len(MESSAGES)
        assert {(one.operation, one.items, one.summary) for one in person.requests} == {
            ("sign", 3, key.certificate.common_name)
        }
        assert key.sign([], scheme) == []


def test_the_phone_shows_what_the_key_is_wanted_for(paired: Company) -> None:
    name = paired.signing.certificate.common_name
    with paired.source.unlock(paired.signing, paired.person()) as key:
        assert isinstance(key, MobileKey)
        key.sign([b"one", b"two"], usual_scheme(key.certificate))
        other = key.about(("电子签章", "项目：一号桥\n用途：登录\u202e\x1b[2J", "长" * 300))
        other.sign([b"one"], usual_scheme(key.certificate))
    assert paired.player.shown == [
        ["签名 2 项 / 2 to sign", name],
        ["电子签章", "项目：一号桥 用途：登录 [2J", "长" * 200, "签名 1 项 / 1 to sign", name],
    ]


def test_a_key_that_is_printed_shows_nobodys_pins(paired: Company) -> None:
    person = paired.person()
    person.pin_text = b"482913"
    with paired.source.unlock(paired.signing, person) as key:
        assert "482913" not in repr(key)


def test_rsa_signs_with_pss_too(company: Company, place: Place) -> None:
    paired_with(company, place, "rsa-2048")
    with company.source.unlock(company.signing, company.person()) as key:
        assert len(key.sign([b"message"], SignatureScheme.RSA_PSS_SHA256)[0]) == 256
        with pytest.raises(KeyRefused):
            key.sign([b"message"], SignatureScheme.ECDSA_SHA256)


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("rsa-2048", WrapScheme.RSA_OAEP_SHA1),
        ("rsa-2048", WrapScheme.RSA_OAEP_SHA256),
        ("rsa-2048", WrapScheme.RSA_PKCS1),
        ("p-256", WrapScheme.ECDH_SHA256),
        ("sm2", WrapScheme.SM2),
    ],
)
def test_the_phone_opens_an_envelope_of_which_it_sees_the_key_only(
    company: Company, place: Place, kind: str, scheme: WrapScheme
) -> None:
    paired_with(company, place, kind)
    envelope = cms.make_envelope(b"a secret of a bid", company.encryption.certificate, scheme)
    person = company.person()
    with company.source.unlock(company.encryption, person) as key:
        assert key.unwrap(envelope) == b"a secret of a bid"
    assert {one.operation for one in person.requests} == {"unwrap"}


def test_a_spoilt_envelope_is_a_bad_envelope(paired: Company) -> None:
    envelope = bytearray(cms.make_envelope(b"secret", paired.encryption.certificate))
    envelope[-1] ^= 1
    with paired.source.unlock(paired.encryption, paired.person()) as key, pytest.raises(BadEnvelope):
        key.unwrap(bytes(envelope))


def test_pairing_again_replaces_the_company_and_keeps_others(paired: Company) -> None:
    first = {key.id for key in known(paired.source)}
    paired.player.add("另一家有限公司", "91629999TBX000028U")
    second = {key.id for key in paired.pair()}
    assert {key.id for key in known(paired.source)} == first | second
    paired.player.add("手机示范建设有限公司", USCC)
    third = {key.id for key in paired.pair()}
    assert {key.id for key in known(paired.source)} == third | second


def test_the_code_is_on_both_screens_and_bound_to_what_is_signed(paired: Company) -> None:
    person = paired.person()
    paired.sign(person)
    paired.sign(person, [b"something else"])
    first = person.requests[0]
    assert re.fullmatch(r"\d{4}", first.verification_code)
    assert 0 < first.expires_in <= SESSION_SECONDS
    token = "token"
    one, other = (bound_digest("sign", [item]) for item in (b"a", b"b"))
    assert one != bound_digest("sign", [b"a", b""]) != bound_digest("login", [b"a"])
    codes = {verification_code(token, bound_digest("sign", [bytes([n])])) for n in range(50)}
    assert len(codes) > 40
    assert phone_link("http://x/", token, "s", 1, one) != phone_link("http://x/", token, "s", 1, other)


# ------------------------------------------------------------------------------------------ other ends


def test_refused(paired: Company) -> None:
    with pytest.raises(PhoneRefused):
        paired.sign(paired.person("refuse"))


def test_a_wrong_code_ends_the_request(paired: Company) -> None:
    def mistaken(request: PhoneRequest) -> None:
        codes = paired.player.scan(request.address).json()["codes"]
        wrong = next(code for code in codes if code != request.verification_code)
        assert paired.player.decide(request.address, wrong).json()["state"] == "WRONG_CODE"

    with pytest.raises(PhoneCodeWrong):
        paired.sign(PhonePerson(mistaken))


def test_a_personal_certificate_is_not_the_companys(paired: Company) -> None:
    wallet = Wallet(paired.sandbox.data)
    paired.player.identity = wallet.add("张三", kind="personal").id
    with pytest.raises(PersonalCertificate):
        paired.source.pair(PhonePerson(lambda request: paired.player.scan(request.address)))
    with pytest.raises(PersonalCertificate):
        paired.sign(PhonePerson(lambda request: paired.player.scan(request.address)))


def test_another_provinces_certificate_is_named(company: Company) -> None:
    company.player.identity = Wallet(company.sandbox.data).add(NAME, USCC, province="邻省").id
    with pytest.raises(OtherProvince) as caught:
        company.source.pair(PhonePerson(lambda request: company.player.scan(request.address)))
    assert caught.value.province == "邻省"


def test_another_companys_phone_leaves_the_request_alone(paired: Company) -> None:
    def first_the_wrong_one(request: PhoneRequest) -> None:
        own = paired.player.identity
        paired.player.add("另一家有限公司", "91629999TBX000028U")
        assert paired.player.scan(request.address).json()["code"] == "cert-not-bound"
        paired.player.identity = own
        paired.player.approve(request)

    person = PhonePerson(first_the_wrong_one)
    assert len(paired.sign(person)) == 3
    person.check()


def test_a_revoked_certificate(paired: Company) -> None:
    paired.player.add(NAME, USCC)
    paired.pair()
    certificate = paired.signing.certificate
    pki.revoke(paired.sandbox.data, certificate, paired.sandbox.world.now())
    with pytest.raises(PhoneCertificateRevoked) as caught:
        paired.sign(PhonePerson(lambda request: paired.player.scan(request.address)))
    assert certificate.sha256.startswith(caught.value.certificate)


def test_nobody_comes_in_time(paired: Company) -> None:
    steps = Steps()
    paired.sandbox.world.phone = PhoneSessions(Wallet(paired.sandbox.data), steps)

    def wait(_request: PhoneRequest) -> None:
        steps.now += SESSION_SECONDS + 1

    with pytest.raises(PhoneExpired) as caught:
        paired.sign(PhonePerson(wait))
    assert caught.value.seconds == SESSION_SECONDS


def test_an_authority_that_never_ends_a_session_is_not_waited_for_for_ever(paired: Company) -> None:
    steps = Steps()
    source = MobileSource(paired.source.line, paired.source.memory, steps)

    def wait(_request: PhoneRequest) -> None:
        steps.now += 2 * SESSION_SECONDS

    with source.unlock(paired.signing, PhonePerson(wait)) as key, pytest.raises(PhoneExpired):
        key.sign(MESSAGES, usual_scheme(key.certificate))


def test_cancelling_here_cancels_there_so_that_the_next_request_works_at_once(paired: Company) -> None:
    person = PhonePerson(lambda request: None)
    person.act = lambda request: setattr(person, "stop", True)
    with pytest.raises(Cancelled):
        paired.sign(person)
    late = paired.player.scan(person.requests[0].address)
    assert late.json()["code"] == "gone"
    assert len(paired.sign(paired.person())) == 3


def test_nobody_at_the_phone_cancels_too(paired: Company) -> None:
    with paired.source.unlock(paired.signing, Nobody()) as key, pytest.raises(Cancelled):
        key.sign(MESSAGES, usual_scheme(key.certificate))
    assert len(paired.sign(paired.person())) == 3


def test_a_phone_that_is_busy_says_so(paired: Company) -> None:
    open_elsewhere = threading.Event()

    def meanwhile(request: PhoneRequest) -> None:
        # What nobody has scanned blocks nobody: its certificate's fingerprint is no secret.
        assert len(paired.sign(paired.person())) == 3
        assert paired.player.scan(request.address).ok
        try:
            with pytest.raises(PhoneBusy):
                paired.sign(PhonePerson(lambda _: None))
        finally:
            open_elsewhere.set()
        paired.player.approve(request)

    person = PhonePerson(meanwhile)
    assert len(paired.sign(person)) == 3
    person.check()
    assert open_elsewhere.is_set()

"""What goes wrong on the way to the phone: a line that loses and forges, a thief of links."""

import threading
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests

from bidclient.ask import Nobody, PhoneRequest
from bidclient.crypto import cms
from bidclient.crypto.phone import ReturnKey, bound_digest, phone_link
from bidclient.crypto.private_key import usual_scheme
from bidclient.errors import (
    Cancelled,
    KeyRefused,
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
from tests.support.phone_lines import Bent

__all__ = ["company", "paired", "place"]


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


def forging(digest: bytes) -> Callable[[dict[str, Any]], None]:
    """Exchanges the first digest."""

    def bend(asked: dict[str, Any]) -> None:
        asked["digests"][0]["value"] = b64encode(digest).decode()

    return bend


def test_digests_exchanged_on_the_way_are_found_by_link_code_and_signature(paired: Company) -> None:
    forged = b"\7" * 32
    line = Bent(MobileLine(paired.sandbox.url), forging(forged))
    source = MobileSource(line, paired.source.memory, ticks)
    session: list[OpenedSession] = []

    def act(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).json()["code"] == "not-found"
        found = live(paired.sandbox)
        # Whoever tampers may make a link of his own: then the computer's code is not on the phone.
        bound = bound_digest("sign", [forged], display=found.request.display)
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


def test_another_word_on_the_screen_is_another_request() -> None:
    shown: list[tuple[str, ...]] = [(), ("",), ("a",), ("a", "b"), ("ab",), ("b", "a")]
    items = [b"digest", bytes(32)]
    assert len({bound_digest("sign", items, display=lines) for lines in shown}) == len(shown)
    lent = bound_digest("sign", items[1:], display=("digest",))
    assert lent != bound_digest("sign", items)


def test_an_answer_diverted_on_the_way_is_found_by_the_link(paired: Company) -> None:
    thiefs = b64encode(ReturnKey().point).decode()
    line = Bent(MobileLine(paired.sandbox.url), lambda asked: asked.update(return_point=thiefs))
    source = MobileSource(line, paired.source.memory, ticks)
    person = PhonePerson(lambda _: None)

    def act(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).json()["code"] == "not-found"
        person.stop = True

    person.act = act
    envelope = cms.make_envelope(b"secret", paired.encryption.certificate)
    with source.unlock(paired.encryption, person) as key, pytest.raises(Cancelled):
        key.unwrap(envelope)
    person.check()


def test_other_words_for_the_phones_screen_are_found_by_the_link(paired: Company) -> None:
    line = Bent(MobileLine(paired.sandbox.url), lambda asked: asked.update(display=["登录 / log in"]))
    source = MobileSource(line, paired.source.memory, ticks)
    person = PhonePerson(lambda _: None)

    def act(request: PhoneRequest) -> None:
        assert paired.player.scan(request.address).json()["code"] == "not-found"
        person.stop = True

    person.act = act
    with source.unlock(paired.signing, person) as key, pytest.raises(Cancelled):
        key.sign(MESSAGES, usual_scheme(key.certificate))
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

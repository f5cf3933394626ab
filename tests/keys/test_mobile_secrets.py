"""What others may learn of a request to the phone: no secret, no state, nothing of a person."""

import logging
from urllib.parse import urlencode

import requests

from bidclient.ask import PhoneRequest
from bidclient.crypto.certificate import Certificate
from bidclient.keys.phone_wire import SESSIONS
from tests.support.phone import PhonePerson
from tests.support.phone_company import (
    USCC,
    Company,
    company,
    known,
    live,
    paired,
    place,
)

__all__ = ["company", "paired", "place"]


def test_a_session_is_told_only_to_who_opened_it(paired: Company) -> None:
    def act(request: PhoneRequest) -> None:
        found = live(paired.sandbox)
        address = f"{paired.sandbox.url}{SESSIONS}/{found.id}"
        for secret in ("", found.token, "x"):
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            assert requests.get(address, headers=headers, timeout=20).status_code == 401
            assert requests.delete(address, headers=headers, timeout=20).status_code == 401
        assert found.secret not in request.address
        paired.player.approve(request)

    person = PhonePerson(act)
    assert len(paired.sign(person)) == 3
    person.check()


def test_neither_token_nor_secret_nor_code_is_logged(paired: Company) -> None:
    person = paired.person()
    paired.sign(person)
    world = paired.sandbox.world.phone
    secrets = {text for one in world._sessions.values() for text in (one.secret, one.token)}
    for handler in logging.getLogger("bidclient").handlers:
        handler.flush()
    written = paired.log.read_text("utf-8")
    assert f"POST {SESSIONS}" in written, "traffic is being logged"
    assert not any(secret in written for secret in secrets)
    assert urlencode({"t": next(iter(secrets))}) not in written


def test_a_kept_certificate_is_a_companys(paired: Company) -> None:
    text = paired.source.memory.read_bytes()
    assert b"PRIVATE" not in text
    kept = [key.certificate for key in known(paired.source)]
    assert all(isinstance(one, Certificate) and one.uscc == USCC for one in kept)

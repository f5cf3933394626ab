"""The phone authority's sessions are bounded: of one client and in all, for as long as they live."""

from base64 import b64encode
from pathlib import Path

import pytest
import requests

from bidclient.keys.phone_wire import SESSIONS, NewSession
from bidclient.sandbox import phone_sessions
from bidclient.sandbox.phone_sessions import SESSION_SECONDS, PhoneSessions
from bidclient.sandbox.phone_wallet import Wallet
from bidclient.sandbox.problems import Refusal
from tests.support.phone_company import Steps
from tests.support.sandbox import LocalSandbox

LOGIN = NewSession(operation="login", nonce=b64encode(bytes(32)).decode())


def until_refused(sessions: PhoneSessions, client: str) -> tuple[int, Refusal]:
    """How many sessions a client gets, and how the next one is refused."""
    for number in range(2 * phone_sessions._MOST_SESSIONS):
        try:
            sessions.open(LOGIN, client)
        except Refusal as refusal:
            return number, refusal
    pytest.fail("never refused")


def test_one_client_may_not_use_up_what_is_there_for_all(tmp_path: Path) -> None:
    steps = Steps()
    sessions = PhoneSessions(Wallet(tmp_path), steps)
    number, refusal = until_refused(sessions, "192.0.2.1")
    assert (number, refusal.code) == (phone_sessions._MOST_OPEN, "rate-limited")
    mine = sessions.open(LOGIN, "192.0.2.2")
    assert until_refused(sessions, "192.0.2.2")[0] == phone_sessions._MOST_OPEN - 1
    # What is over makes room at once, and what nobody decides does so in time.
    sessions.close(mine.id, mine.secret)
    assert until_refused(sessions, "192.0.2.2")[0] == 1
    steps.now += SESSION_SECONDS + 1
    assert until_refused(sessions, "192.0.2.1")[0] == phone_sessions._MOST_OPEN


def test_all_together_have_an_end_too(tmp_path: Path) -> None:
    sessions = PhoneSessions(Wallet(tmp_path), Steps())
    clients = (f"2001:db8::{number:x}" for number in range(100))
    given = 0
    while (got := until_refused(sessions, next(clients))[0]) > 0:
        given += got
    assert given == phone_sessions._MOST_SESSIONS


def test_a_flood_is_told_to_come_back_later(sandbox: LocalSandbox) -> None:
    body = {"operation": "login", "nonce": "AAAA"}
    with requests.Session() as session:
        for number in range(phone_sessions._MOST_OPEN + 1):
            headers = {"Idempotency-Key": str(number)}
            answer = session.post(f"{sandbox.url}{SESSIONS}", json=body, headers=headers, timeout=20)
            if answer.status_code != 201:
                break
    assert (number, answer.status_code) == (phone_sessions._MOST_OPEN, 429)
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["code"] == "rate-limited"

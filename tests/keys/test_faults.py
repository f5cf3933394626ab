"""What real tokens do and SoftHSM does not: locks, PIN pads, chatter, crashes, rubbish."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import (
    BidError,
    DriverFailed,
    KeyRefused,
    PinLocked,
    PinWrong,
    TokenRemoved,
    TokenTimedOut,
)
from bidclient.keys import TokenSource
from bidclient.keys.child import Deadlines
from tests.support.pki import InMemoryKey
from tests.support.softhsm import PIN, MakeSource, Typist, company_token, host_pids

DIGEST = sha256(b"a digest").digest()
ECDSA = SignatureScheme.ECDSA_SHA256


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, list[InMemoryKey]]) -> dict[str, str]:
    return company_token(tmp_path_factory.mktemp("faulty"), "企业锁", pairs["p-256"][:1])


@pytest.fixture
def source_with(token: dict[str, str], faulty_module: Path, make_source: MakeSource) -> MakeSource:
    """source_with(fault, **more): the token behind a library with that fault."""

    def make(fault: str, deadlines: Deadlines | None = None, **more: str) -> TokenSource:
        return make_source({**token, "FAULT": fault, **more}, deadlines, faulty_module)

    return make


def sign_once(source: TokenSource) -> list[bytes]:
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        return key.sign([DIGEST], ECDSA)


def test_the_library_without_a_fault_signs(source_with: MakeSource) -> None:
    assert len(sign_once(source_with("none"))) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("removed", TokenRemoved),
        ("crashes", DriverFailed),
        ("empty", KeyRefused),
        ("wrong-signature", KeyRefused),
        ("login-fails", DriverFailed),
        ("locked", PinLocked),
    ],
)
def test_a_fault_has_its_name(source_with: MakeSource, fault: str, error: type[BidError]) -> None:
    source = source_with(fault)
    with pytest.raises(error) as caught:
        sign_once(source)
    assert type(caught.value) is error


def test_a_crash_in_the_library_ends_only_its_host(source_with: MakeSource) -> None:
    source = source_with("crashes")
    with pytest.raises(DriverFailed, match="-6"):
        sign_once(source)
    assert len(source.keys()) == 1


def test_a_library_that_hangs_is_ended_at_the_deadline(
    source_with: MakeSource, token: dict[str, str]
) -> None:
    source = source_with("hangs", Deadlines(look=10, login=10, use=0.5))
    with pytest.raises(TokenTimedOut):
        sign_once(source)
    assert host_pids({**token, "FAULT": "hangs"}) == []
    assert len(source.keys()) == 1


def test_a_library_that_prints_and_reads_disturbs_nothing(source_with: MakeSource) -> None:
    assert len(sign_once(source_with("prints"))) == 1


def test_the_attempts_that_are_left_are_seen_until_the_token_locks(source_with: MakeSource) -> None:
    source = source_with("countdown")
    key = source.keys()[0]
    shown = []
    for last_try in (False, True):
        typist = Typist(b"nottheone")
        with pytest.raises(PinWrong) as caught, source.unlock(key, typist):
            pass
        assert caught.value.last_try is last_try
        shown += [(state.wrong_before, state.last_try) for _, state in typist.shown]
    assert shown == [(False, False), (True, False)]
    state = source.keys()[0].pin
    assert (state.wrong_before, state.last_try) == (True, True)
    with pytest.raises(PinLocked), source.unlock(key, Nobody(b"nottheone")):
        pass
    assert source.keys()[0].pin_locked
    typist = Typist(PIN)
    with pytest.raises(PinLocked), source.unlock(key, typist):
        pass
    assert typist.shown == []


def test_a_pin_pad_gets_no_pin_from_us(source_with: MakeSource) -> None:
    source = source_with("pin-pad", PRESSED_ON_THE_PAD=PIN.decode())
    typist = Typist(b"")
    with source.unlock(source.keys()[0], typist) as key:
        assert key.sign([DIGEST], ECDSA)
    assert [state.pin_pad for _, state in typist.shown] == [True]


def test_a_label_in_the_encoding_of_an_old_driver_hides_nothing(source_with: MakeSource) -> None:
    (plain,) = source_with("none").keys()
    (key,) = source_with("gbk-label").keys()
    assert key.id == plain.id
    assert key.token_label != plain.token_label
    assert key.token_label.isprintable()


def test_a_slot_that_cannot_be_read_hides_no_other(
    tmp_path: Path, faulty_module: Path, make_source: MakeSource, pairs: dict[str, list[InMemoryKey]]
) -> None:
    company_token(tmp_path, "一号锁", pairs["p-256"])
    environment = company_token(tmp_path, "二号锁", pairs["p-256"])
    source = make_source({**environment, "FAULT": "none"}, None, faulty_module)
    assert len(source.keys()) == 4
    source = make_source({**environment, "FAULT": "unreadable-slot"}, None, faulty_module)
    assert len(source.keys()) == 2


def test_the_host_outlives_control_c(source_with: MakeSource, token: dict[str, str]) -> None:
    source = source_with("none")
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        (pid,) = host_pids({**token, "FAULT": "none"})
        os.kill(pid, 2)
        assert key.sign([DIGEST], ECDSA)
        assert host_pids({**token, "FAULT": "none"}) == [pid]

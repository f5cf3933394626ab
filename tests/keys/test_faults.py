"""What real tokens do and SoftHSM does not: locks, PIN pads, removals, chatter, crashes, rubbish.

Each fault ends in its named error, costs at most one PIN, and leaves a program that works once it is over.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bidclient.ask import Nobody, PinState
from bidclient.crypto.private_key import SignatureScheme, usual_scheme
from bidclient.errors import (
    BidError,
    Cancelled,
    DriverFailed,
    KeyRefused,
    PinLocked,
    PinWrong,
    TokenRemoved,
    TokenSwapped,
    TokenTimedOut,
)
from bidclient.explain import explain
from bidclient.keys.child import Deadlines
from bidclient.keys.token import TokenSource
from bidclient.sandbox.token import softhsm_module
from tests.support.faulty_token import TRIES, Faults
from tests.support.pki import InMemoryKey
from tests.support.softhsm import PIN, MakeSource, Typist, company_token, host_pids

MESSAGE = b"a message"
ECDSA = SignatureScheme.ECDSA_SHA256
WRONG = b"nottheone"
QUICK = Deadlines(look=4.0, login=3.0, use=1.0)
LABEL = "企业锁"
DRIVER = ("加密锁驱动报错", "The token driver failed")
SILENT = ("加密锁没有响应", "The token does not answer")
REFUSED = ("私钥不支持这个操作", "The key cannot do this")


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, list[InMemoryKey]]) -> dict[str, str]:
    return company_token(tmp_path_factory.mktemp("faulty"), LABEL, pairs["p-256"][:1])


@pytest.fixture
def behind(faults: Faults, faulty_module: Path, make_source: MakeSource) -> MakeSource:
    """behind(tokens, deadlines=None): these tokens behind the faulty library."""

    def make(tokens: dict[str, str], deadlines: Deadlines | None = None) -> TokenSource:
        return make_source({**tokens, **faults.environment}, deadlines, faulty_module)

    return make


@pytest.fixture
def source(behind: MakeSource, token: dict[str, str]) -> TokenSource:
    return behind(token, QUICK)


def sign_once(source: TokenSource) -> list[bytes]:
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        return key.sign([MESSAGE], ECDSA)


def modules(source: TokenSource) -> list[str]:
    """By which library each key is seen."""
    listed = source.keys()
    return [key.module for key in listed]


def test_the_library_without_a_fault_signs(source: TokenSource, faults: Faults) -> None:
    assert len(sign_once(source)) == 1
    assert faults.logins == "u"


@pytest.mark.parametrize(
    ("fault", "error", "titles", "logins"),
    [
        ("locked", PinLocked, ("密码已锁死", "The PIN is locked"), ""),
        ("login-fails", DriverFailed, DRIVER, "u"),
        ("login-crashes", DriverFailed, DRIVER, "u"),
        ("login-hangs", TokenTimedOut, SILENT, "u"),
        ("sign-crashes", DriverFailed, DRIVER, "u"),
        ("sign-hangs", TokenTimedOut, SILENT, "u"),
        ("empty", KeyRefused, REFUSED, "u"),
        ("wrong-signature", KeyRefused, REFUSED, "u"),
        ("pad-cancelled", Cancelled, ("操作已取消", "Cancelled"), "u"),
    ],
)
def test_a_fault_has_its_name_costs_one_pin_and_passes(
    source: TokenSource,
    faults: Faults,
    fault: str,
    error: type[BidError],
    titles: tuple[str, str],
    logins: str,
) -> None:
    key = source.keys()[0]
    faults.begin(fault)
    with pytest.raises(error) as caught, source.unlock(key, Nobody(PIN)) as unlocked:
        unlocked.sign([MESSAGE], ECDSA)
    assert type(caught.value) is error
    assert (explain(caught.value, "zh").title, explain(caught.value, "en").title) == titles
    assert faults.logins == logins
    faults.end()
    assert len(sign_once(source)) == 1
    assert faults.logins == logins + "u"


@pytest.mark.parametrize(
    "says",
    [
        pytest.param(0x05, id="GENERAL_ERROR"),
        pytest.param(0x32, id="DEVICE_REMOVED"),
        pytest.param(0xB3, id="SESSION_HANDLE_INVALID"),
        pytest.param(0xE0, id="TOKEN_NOT_PRESENT"),
        pytest.param(0x80000001, id="VENDOR_DEFINED"),
    ],
)
def test_a_token_pulled_out_in_the_middle_of_a_sign_is_named_whatever_its_library_says(
    source: TokenSource, faults: Faults, says: int
) -> None:
    info = source.keys()[0]
    with source.unlock(info, Nobody(PIN)) as key:
        assert key.sign([MESSAGE], ECDSA)
        faults.begin(f"pulled-out {says}")
        with pytest.raises(TokenRemoved) as caught:
            key.sign([MESSAGE] * 3, ECDSA)
        assert caught.value.token == LABEL
        assert source.keys() == []
        with pytest.raises(TokenRemoved), source.unlock(info, Nobody(PIN)):
            pass
        faults.end()
        # Plugged in again it is another login: the open key stays unusable, and gives its PIN to nobody.
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], ECDSA)
    assert faults.logins == "u"
    assert len(sign_once(source)) == 1
    assert faults.logins == "uu"


def test_a_crash_in_the_library_ends_only_its_host(source: TokenSource, faults: Faults) -> None:
    faults.begin("sign-crashes")
    with pytest.raises(DriverFailed, match="-6"):
        sign_once(source)
    assert len(source.keys()) == 1


@pytest.mark.parametrize("moment", ["initialize", "list"])
def test_a_library_that_crashes_when_it_is_looked_at_hides_nothing_but_itself(
    token: dict[str, str], faults: Faults, faulty_module: Path, moment: str
) -> None:
    source = TokenSource(
        (faulty_module, softhsm_module()), environment={**token, **faults.environment}, known=()
    )
    faults.begin(f"{moment}-crashes")
    assert modules(source) == [str(softhsm_module())]
    states = source.survey()
    assert isinstance(states[0].problem, DriverFailed)
    assert len(states[1].tokens) == 1
    faults.end()
    assert modules(source) == [str(faulty_module)]
    source.close()


def test_a_library_that_hangs_when_it_is_looked_at_hides_nothing_but_itself(
    token: dict[str, str], faults: Faults, faulty_module: Path
) -> None:
    environment = {**token, **faults.environment}
    source = TokenSource(
        (faulty_module, softhsm_module()), environment=environment, known=(), deadlines=QUICK
    )
    assert modules(source) == [str(faulty_module)]
    faults.begin("list-hangs")
    assert modules(source) == [str(softhsm_module())]
    assert len(host_pids(environment)) == 1
    faults.end()
    assert modules(source) == [str(faulty_module)]
    source.close()


def test_a_library_that_hangs_is_ended_at_the_deadline(
    source: TokenSource, token: dict[str, str], faults: Faults
) -> None:
    key = source.keys()[0]
    with source.unlock(key, Nobody(PIN)) as unlocked:
        faults.begin("sign-hangs")
        start = time.monotonic()
        with pytest.raises(TokenTimedOut):
            unlocked.sign([MESSAGE], ECDSA)
        assert time.monotonic() - start < QUICK.use + 2
    assert host_pids({**token, **faults.environment}) == []


def test_a_slow_token_has_its_time_for_each_signature_and_not_for_the_batch(
    source: TokenSource, faults: Faults
) -> None:
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        faults.begin("slow")
        start = time.monotonic()
        assert len(set(key.sign([b"one", b"two", b"three", b"four"], ECDSA))) == 4
        assert time.monotonic() - start > QUICK.use
    assert faults.logins == "u"


def test_a_library_that_prints_and_reads_disturbs_nothing(source: TokenSource, faults: Faults) -> None:
    faults.begin("prints")
    assert len(sign_once(source)) == 1


def test_the_attempts_that_are_left_are_seen_until_the_token_locks(
    source: TokenSource, faults: Faults
) -> None:
    faults.begin("countdown")
    key = source.keys()[0]
    shown = []
    for last_try in (False, True):
        typist = Typist(WRONG)
        with pytest.raises(PinWrong) as caught, source.unlock(key, typist):
            pass
        assert caught.value.last_try is last_try
        shown += [(state.wrong_before, state.last_try) for _, state in typist.shown]
    assert shown == [(False, False), (True, False)]
    state = source.keys()[0].pin
    assert (state.wrong_before, state.last_try) == (True, True)
    with pytest.raises(PinLocked), source.unlock(key, Nobody(WRONG)):
        pass
    assert source.keys()[0].pin_locked
    typist = Typist(PIN)
    with pytest.raises(PinLocked), source.unlock(key, typist):
        pass
    assert (typist.shown, faults.logins) == ([], "u" * TRIES)


def test_a_key_that_wants_its_pin_each_time_says_so_before_and_sends_each_pin_once(
    tmp_path: Path, behind: MakeSource, faults: Faults, pairs: dict[str, list[InMemoryKey]]
) -> None:
    source = behind(company_token(tmp_path, "每次输入", pairs["p-256"][:1], always_authenticate=True))
    faults.begin("countdown")
    typist = Typist(PIN, PIN, WRONG, PIN)
    with source.unlock(source.keys()[0], typist) as key:
        assert (source.keys()[0].always_authenticate, len(typist.shown)) == (True, 1)
        with pytest.raises(PinWrong):
            key.sign([MESSAGE] * 3, ECDSA)
        assert (typist.pins, faults.logins) == ([PIN], "ucc")


def test_a_pin_pad_gets_no_pin_from_us(source: TokenSource, faults: Faults) -> None:
    faults.begin("pin-pad")
    faults.press(PIN)
    typist = Typist(b"")
    with source.unlock(source.keys()[0], typist) as key:
        assert key.sign([MESSAGE], ECDSA)
    assert [state.pin_pad for _, state in typist.shown] == [True]
    faults.press(WRONG)
    with pytest.raises(PinWrong), source.unlock(source.keys()[0], Typist(b"")):
        pass
    assert faults.logins == "uu"


def test_a_pin_pad_is_waited_for_as_long_as_a_person_takes(
    tmp_path: Path, behind: MakeSource, faults: Faults, pairs: dict[str, list[InMemoryKey]]
) -> None:
    tokens = company_token(tmp_path, "每次输入", pairs["p-256"][:1], always_authenticate=True)
    source = behind(tokens, Deadlines(look=10.0, login=20.0, use=0.2))
    faults.begin("pin-pad")
    faults.press(PIN)
    with source.unlock(source.keys()[0], Typist(b"", b"", b"")) as key:
        assert len(key.sign([MESSAGE] * 2, ECDSA)) == 2
    assert faults.logins == "ucc"


def test_a_pin_that_must_be_changed_is_told(source: TokenSource, faults: Faults) -> None:
    assert not source.keys()[0].pin_must_change
    faults.begin("must-change")
    assert source.keys()[0].pin_must_change


def test_a_label_in_the_encoding_of_an_old_driver_hides_nothing(source: TokenSource, faults: Faults) -> None:
    (plain,) = source.keys()
    faults.begin("gbk-label")
    (key,) = source.keys()
    assert key.id == plain.id
    assert key.token_label != plain.token_label
    assert key.token_label.isprintable()


def test_a_slot_that_cannot_be_read_hides_no_other(
    tmp_path: Path, behind: MakeSource, faults: Faults, pairs: dict[str, list[InMemoryKey]]
) -> None:
    company_token(tmp_path, "一号锁", pairs["p-256"])
    source = behind(company_token(tmp_path, "二号锁", pairs["p-256"]))
    faults.begin("unreadable-slot")
    assert len(source.keys()) == 2
    assert len(sign_once(source)) == 1
    faults.end()
    assert len(source.keys()) == 4


def test_a_token_that_comes_while_the_slots_are_listed_hides_none(
    source: TokenSource, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    faults.begin("growing-list")
    assert len(source.keys()) == 1
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []


class Swapper(Nobody):
    """Somebody who does something with the token while the PIN is being asked for."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(PIN)
        self._act = act

    def pin(self, label: str, state: PinState) -> bytes:
        """The PIN, after that."""
        self._act()
        return super().pin(label, state)


def test_a_token_swapped_for_one_of_the_same_serial_while_the_pin_is_typed_does_not_get_it(
    tmp_path: Path, behind: MakeSource, faults: Faults, pairs: dict[str, list[InMemoryKey]]
) -> None:
    company_token(tmp_path, "一号锁", pairs["p-256"][:1])
    source = behind(company_token(tmp_path, "二号锁", pairs["rsa-2048"][:1]))
    faults.begin("same-serial")
    (key,) = source.keys()
    with pytest.raises(TokenSwapped) as caught, source.unlock(key, Swapper(faults.swap)):
        pass
    assert caught.value.wanted == key.certificate.sha256
    (other,) = source.keys()
    assert caught.value.found == other.certificate.sha256
    assert (other.token_serial, faults.logins) == (key.token_serial, "")
    with source.unlock(other, Nobody(PIN)) as unlocked:
        assert unlocked.certificate == other.certificate


def test_two_tokens_without_a_serial_are_told_apart_by_their_certificates(
    tmp_path: Path, behind: MakeSource, faults: Faults, pairs: dict[str, list[InMemoryKey]]
) -> None:
    company_token(tmp_path, "一号锁", pairs["p-256"][:1])
    source = behind(company_token(tmp_path, "二号锁", pairs["rsa-2048"][:1]))
    faults.begin("no-serials")
    listed = source.keys()
    assert [key.token_serial for key in listed] == ["", ""]
    one, other = sorted(listed, key=lambda key: key.certificate.key_algorithm)
    for key in listed:
        with source.unlock(key, Nobody(PIN)) as alone:
            assert alone.certificate == key.certificate
    with source.unlock(other, Nobody(PIN)) as second:
        with source.unlock(one, Nobody(PIN)) as first:
            assert len(first.sign([MESSAGE], usual_scheme(first.certificate))) == 1
        assert len(second.sign([MESSAGE], usual_scheme(second.certificate))) == 1
    assert faults.logins == "uuuu"


def test_a_token_pulled_out_while_the_pin_is_typed_is_named_and_no_pin_sent(
    source: TokenSource, faults: Faults
) -> None:
    key = source.keys()[0]
    with pytest.raises(TokenRemoved), source.unlock(key, Swapper(faults.unplug)):
        pass
    assert faults.logins == ""
    faults.end()
    assert len(sign_once(source)) == 1


def test_the_host_outlives_control_c(source: TokenSource, token: dict[str, str], faults: Faults) -> None:
    environment = {**token, **faults.environment}
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        (pid,) = host_pids(environment)
        os.kill(pid, 2)
        assert key.sign([MESSAGE], ECDSA)
        assert host_pids(environment) == [pid]

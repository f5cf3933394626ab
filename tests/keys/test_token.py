"""Tokens that come and go, PINs, key hosts that die: every state has its name, and the next call works."""

import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.crypto import cms
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import (
    Cancelled,
    DriverFailed,
    DriverMissing,
    KeyRefused,
    PinInvalid,
    PinWrong,
    TokenRemoved,
    TokenSwapped,
    TokenTimedOut,
)
from bidclient.keys.child import ChildHost, Deadlines
from bidclient.keys.frames import ListTokens, OpenKey, Tokens
from bidclient.keys.modules import Module
from bidclient.keys.token import TokenSource
from bidclient.keys.token_key import TokenKey
from bidclient.sandbox.token import CONFIGURATION, make_token, softhsm_module
from tests.support.pki import Authority, InMemoryKey
from tests.support.softhsm import (
    PIN,
    MakeSource,
    Typist,
    company_token,
    double_certificate,
    host_pids,
    key_for,
    softhsm_source,
)

ECDSA = SignatureScheme.ECDSA_SHA256
MESSAGE = b"a message"
QUICK = Deadlines(look=10.0, login=10.0, use=1.0)


@pytest.fixture(scope="session")
def pair(pairs: dict[str, list[InMemoryKey]]) -> list[InMemoryKey]:
    return pairs["p-256"]


@pytest.fixture
def environment(tmp_path: Path, pair: list[InMemoryKey], authority: Authority) -> dict[str, str]:
    """A token that the test may ruin."""
    return company_token(tmp_path, "企业锁", pair, authority)


def test_a_wrong_pin_costs_one_attempt_and_is_seen_before_the_next(
    environment: dict[str, str], pair: list[InMemoryKey], make_source: MakeSource
) -> None:
    source = make_source(environment)
    key = source.keys()[0]
    assert not key.pin.wrong_before
    with pytest.raises(PinWrong) as caught, source.unlock(key, Nobody(b"nottheone")):
        pass
    assert (caught.value.token, caught.value.attempts_left) == ("企业锁", None)
    assert source.keys()[0].pin.wrong_before
    typist = Typist(PIN)
    with source.unlock(key, typist) as unlocked:
        assert unlocked.sign([MESSAGE], ECDSA)
    assert [state.wrong_before for _, state in typist.shown] == [True]
    assert not source.keys()[0].pin.wrong_before


@pytest.mark.parametrize("pin", [b"", b"123", b"1" * 256])
def test_a_pin_that_cannot_be_right_never_reaches_the_token(
    environment: dict[str, str], make_source: MakeSource, pin: bytes
) -> None:
    source = make_source(environment)
    key = source.keys()[0]
    with pytest.raises(PinInvalid) as caught, source.unlock(key, Nobody(pin)):
        pass
    assert (caught.value.shortest, caught.value.longest) == (4, 255)
    assert not source.keys()[0].pin.wrong_before


def test_two_tokens_at_once_are_told_apart_by_serial(
    tmp_path: Path, pair: list[InMemoryKey], authority: Authority, make_source: MakeSource
) -> None:
    other = double_certificate(authority, "p-256", "另一家有限公司", number=10)
    company_token(tmp_path, "同名锁", pair)
    source = make_source(company_token(tmp_path, "同名锁", other))
    keys = source.keys()
    assert len(keys) == 4
    ours, theirs = key_for(keys, pair[0]), key_for(keys, other[0])
    assert ours.token_serial != theirs.token_serial
    with source.unlock(theirs, Nobody(PIN)) as one, source.unlock(ours, Nobody(PIN)) as two:
        assert one.certificate == other[0].certificate
        assert two.certificate == pair[0].certificate
        assert one.sign([MESSAGE], ECDSA)
        assert two.sign([MESSAGE], ECDSA)
        with pytest.raises(PinWrong), source.unlock(theirs, Nobody(b"wrong-again")):
            pass
        assert two.sign([MESSAGE], ECDSA)


def test_two_tokens_of_one_name_and_company_ask_for_their_pins_by_different_names(
    tmp_path: Path, pair: list[InMemoryKey], make_source: MakeSource
) -> None:
    company_token(tmp_path, "同名锁", pair[:1])
    source = make_source(company_token(tmp_path, "同名锁", pair[:1]))
    keys = source.keys()
    assert len({key.label for key in keys}) == len(keys) == 2


def test_both_keys_of_a_double_certificate_are_open_together(
    environment: dict[str, str], pair: list[InMemoryKey], make_source: MakeSource
) -> None:
    source = make_source(environment)
    keys = source.keys()
    envelope = cms.make_envelope(b"secret", pair[1].certificate)
    with source.unlock(key_for(keys, pair[0]), Nobody(PIN)) as signing:
        with source.unlock(key_for(keys, pair[1]), Nobody(PIN)) as encryption:
            assert signing.sign([MESSAGE], ECDSA)
            assert encryption.unwrap(envelope) == b"secret"
        assert signing.sign([MESSAGE], ECDSA)


def test_an_open_token_is_no_way_in_with_a_wrong_pin(
    environment: dict[str, str], make_source: MakeSource
) -> None:
    source = make_source(environment)
    key = source.keys()[0]
    with (
        source.unlock(key, Nobody(PIN)),
        pytest.raises(PinWrong),
        source.unlock(key, Nobody(b"nottheone")),
    ):
        pass


def test_a_token_pulled_out_before_the_pin_is_named_and_no_pin_asked(
    environment: dict[str, str], tmp_path: Path, make_source: MakeSource
) -> None:
    source, typist = make_source(environment), Typist(PIN)
    key = source.keys()[0]
    shutil.rmtree(tmp_path / "tokens")
    (tmp_path / "tokens").mkdir()
    with pytest.raises(TokenRemoved) as caught, source.unlock(key, typist):
        pass
    assert caught.value.token == "企业锁"
    assert typist.shown == []


def test_a_token_pulled_out_in_the_middle_is_named(
    environment: dict[str, str], tmp_path: Path, make_source: MakeSource
) -> None:
    source = make_source(environment)
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        assert key.sign([MESSAGE], ECDSA)
        for token in (tmp_path / "tokens").iterdir():
            shutil.rmtree(token)
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], ECDSA)
    assert source.keys() == []


def test_a_token_plugged_in_later_is_seen(
    environment: dict[str, str], tmp_path: Path, authority: Authority, make_source: MakeSource
) -> None:
    source = make_source(environment)
    assert len(source.keys()) == 2
    company_token(tmp_path, "后插的锁", [authority.issue("signing", "p-256", number=20)])
    assert len(source.keys()) == 3


def test_another_token_in_the_place_of_the_chosen_one_gets_no_pin(
    environment: dict[str, str], tmp_path: Path, pair: list[InMemoryKey], make_source: MakeSource
) -> None:
    source, typist = make_source(environment), Typist(PIN)
    key = source.keys()[0]
    shutil.rmtree(tmp_path / "tokens")
    company_token(tmp_path, "企业锁", pair)
    with pytest.raises(TokenSwapped) as caught, source.unlock(key, typist):
        pass
    assert caught.value.wanted == key.token_serial
    assert caught.value.found == source.keys()[0].token_serial
    assert typist.shown == []


def test_the_host_compares_the_certificate_itself_before_it_sends_a_pin(environment: dict[str, str]) -> None:
    host = ChildHost(softhsm_module(), environment)
    (token,) = host.ask(ListTokens(), Tokens, 10).tokens
    with pytest.raises(TokenSwapped):
        host.ask(OpenKey(serial=token.serial, fingerprint="00" * 32, pin=bytearray(b"nottheone")), Tokens, 10)
    (after,) = host.ask(ListTokens(), Tokens, 10).tokens
    assert not after.pin_wrong_before
    host.close()
    assert not host.alive


def test_a_key_that_wants_its_pin_each_time_asks_each_time(
    tmp_path: Path, pair: list[InMemoryKey], make_source: MakeSource
) -> None:
    source = make_source(company_token(tmp_path, "每次输入", [pair[0]], always_authenticate=True))
    (key,) = source.keys()
    typist = Typist(PIN, PIN, PIN, PIN, b"nottheone", PIN)
    with source.unlock(key, typist) as unlocked:
        assert len(unlocked.sign([MESSAGE] * 3, ECDSA)) == 3
        assert len(typist.shown) == 4
        assert source.keys()[0].always_authenticate
        with pytest.raises(PinWrong):
            unlocked.sign([MESSAGE] * 2, ECDSA)
        assert len(typist.shown) == 5
        assert unlocked.sign([MESSAGE], ECDSA)
    assert typist.pins == []


def test_a_decryption_key_that_wants_its_pin_each_time_asks_each_time(
    tmp_path: Path, pairs: dict[str, list[InMemoryKey]], make_source: MakeSource
) -> None:
    owner = pairs["rsa-2048"][1]
    source = make_source(company_token(tmp_path, "每次输入", [owner], always_authenticate=True))
    typist = Typist(PIN, PIN, PIN)
    with source.unlock(source.keys()[0], typist) as key:
        for secret in (b"one", b"two"):
            assert key.unwrap(cms.make_envelope(secret, owner.certificate)) == secret
    assert typist.pins == []


def test_a_certificate_without_its_key_is_refused_and_the_token_closed_again(
    tmp_path: Path, pair: list[InMemoryKey], make_source: MakeSource
) -> None:
    path = make_token(tmp_path, "只有证书", PIN, [], [pair[0].certificate])
    source = make_source({CONFIGURATION: path})
    (key,) = source.keys()
    for _ in range(2):
        with pytest.raises(KeyRefused, match="0 private keys"), source.unlock(key, Nobody(PIN)):
            pass
    with pytest.raises(PinWrong), source.unlock(key, Nobody(b"nottheone")):
        pass


def test_a_batch_stops_when_the_person_wants_it(environment: dict[str, str], make_source: MakeSource) -> None:
    class Impatient(Nobody):
        asked = 0

        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 2

    source, person = make_source(environment), Impatient(PIN)
    with source.unlock(source.keys()[0], person) as key, pytest.raises(Cancelled):
        key.sign([MESSAGE] * 5, ECDSA)
    assert person.asked == 3


def test_a_killed_host_is_named_and_the_next_call_starts_another(
    environment: dict[str, str], make_source: MakeSource
) -> None:
    source = make_source(environment)
    info = source.keys()[0]
    with source.unlock(info, Nobody(PIN)) as key:
        (pid,) = host_pids(environment)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(DriverFailed) as caught:
            key.sign([MESSAGE], ECDSA)
        assert str(softhsm_module()) in caught.value.reason
        with pytest.raises(DriverFailed):
            key.sign([MESSAGE], ECDSA)
    with source.unlock(info, Nobody(PIN)) as key:
        assert key.sign([MESSAGE], ECDSA)
    assert host_pids(environment) != [pid]


def test_a_host_that_hangs_is_killed_at_the_deadline_and_the_next_call_works(
    environment: dict[str, str], make_source: MakeSource
) -> None:
    source = make_source(environment, QUICK)
    info = source.keys()[0]
    with source.unlock(info, Nobody(PIN)) as key:
        (pid,) = host_pids(environment)
        os.kill(pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(TokenTimedOut) as caught:
            key.sign([MESSAGE], ECDSA)
        assert time.monotonic() - start < QUICK.use + 2
        assert (caught.value.operation, caught.value.seconds) == ("sign", QUICK.use)
        assert host_pids(environment) == []
    with source.unlock(info, Nobody(PIN)) as key:
        assert key.sign([MESSAGE], ECDSA)


def test_a_closed_source_leaves_no_process_and_starts_again(environment: dict[str, str]) -> None:
    source = softhsm_source(environment)
    assert len(source.keys()) == 2
    assert len(host_pids(environment)) == 1
    source.close()
    assert host_pids(environment) == []
    assert len(source.keys()) == 2
    source.close()


def test_a_forgotten_source_leaves_no_process(environment: dict[str, str]) -> None:
    source = softhsm_source(environment)
    assert source.keys()
    del source
    assert host_pids(environment) == []


def test_a_library_that_is_not_there_is_not_enabled_and_told_with_its_path(
    tmp_path: Path, environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    missing = tmp_path / "libgone.so"
    source = TokenSource((missing, softhsm_module()), environment=environment, known=())
    key = source.keys()[0]
    states = {state.name: state for state in source.survey()}
    assert states["libgone"].path is None
    assert isinstance(states["libgone"].problem, DriverMissing)
    assert states["libgone"].problem.module == str(missing)
    assert str(missing) in caplog.text
    assert len(states[softhsm_module().stem].tokens) == 1
    with pytest.raises(DriverMissing), source.unlock(replace(key, module=str(missing)), Nobody(PIN)):
        pass
    source.close()


def test_a_file_that_is_no_library_hides_nothing_but_itself(
    tmp_path: Path, environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "libbroken.so"
    broken.write_bytes(b"not a library")
    source = TokenSource((broken, softhsm_module()), environment=environment, known=())
    assert len(source.keys()) == 2
    assert "libbroken" in caplog.text
    state = source.survey()[0]
    assert isinstance(state.problem, DriverFailed)
    assert state.problem.operation == "load"
    source.close()


def test_the_known_rows_are_used_where_they_are_installed(environment: dict[str, str]) -> None:
    known = (Module("Nowhere", (Path("/nonexistent/lib.so"),)), Module("Here", (softhsm_module(),)))
    source = TokenSource(environment=environment, known=known)
    assert len(source.keys()) == 2
    assert [state.path for state in source.survey()] == [None, softhsm_module()]
    source.close()


def test_the_mechanisms_are_those_of_the_token(environment: dict[str, str], make_source: MakeSource) -> None:
    source = make_source(environment)
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        report = key.report()
    names = {row.name: row.number for row in report.mechanisms}
    assert (names["CKM_RSA_PKCS"], names["CKM_ECDSA"]) == (0x1, 0x1041)
    assert "CKM_ML_DSA" not in names
    assert (report.module, report.model, report.tried) == (str(softhsm_module()), "SoftHSM v2", ())

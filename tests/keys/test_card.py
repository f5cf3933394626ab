"""A card in a real reader stack: our key host, OpenSC, pcscd and its driver; only the plastic is missing."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.crypto import cms
from bidclient.crypto.private_key import SignatureScheme, WrapScheme, usual_scheme
from bidclient.errors import (
    KeyProblem,
    PinInvalid,
    PinLocked,
    PinWrong,
    TokenRemoved,
    TokenSwapped,
    TokenTimedOut,
)
from bidclient.keys.child import ChildHost, Deadlines
from bidclient.keys.frames import Opened, OpenKey
from bidclient.keys.token import TokenSource
from bidclient.sandbox.token import TokenEntry
from tests.support.card_reader import CardFolder, CardReader, card_reader, make_card, opensc, seen
from tests.support.piv_card import Instruction
from tests.support.pki import InMemoryKey
from tests.support.softhsm import MakeSource, Typist, host_pids

PIN = b"482913"
WRONG = b"111111"
MESSAGES = [b"one", b"two", b"three"]
ECDSA = SignatureScheme.ECDSA_SHA256

MakeCard = Callable[[str], CardFolder]


@pytest.fixture(scope="module")
def shared_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CardReader]:
    with card_reader(tmp_path_factory.mktemp("reader")) as reader:
        yield reader


@pytest.fixture
def reader(shared_reader: CardReader) -> Iterator[CardReader]:
    """The reader, empty again after the test."""
    yield shared_reader
    shared_reader.remove()


@pytest.fixture
def card(tmp_path: Path, pairs: dict[str, list[InMemoryKey]]) -> MakeCard:
    """card(kind): a new card with a signing and an encryption key of that kind."""

    def make(kind: str) -> CardFolder:
        entries = [TokenEntry(key.key, key.certificate) for key in pairs[kind]]
        return make_card(tmp_path / f"card-{kind}", PIN, dict(zip(("9c", "9d"), entries, strict=True)))

    return make


@pytest.fixture
def source(reader: CardReader, make_source: MakeSource) -> TokenSource:
    return make_source(reader.environment, None, opensc())


@pytest.fixture
def onlooker(reader: CardReader, make_source: MakeSource) -> TokenSource:
    """Somebody else who looks at the same reader, to tell what the daemon knows."""
    return make_source(reader.environment, None, opensc())


def test_a_card_is_seen_when_it_comes_and_when_it_goes(
    reader: CardReader, source: TokenSource, card: MakeCard, pairs: dict[str, list[InMemoryKey]]
) -> None:
    assert source.keys() == []
    plugged = card("rsa-2048")
    for _ in range(2):
        reader.insert(plugged)
        signing, encryption = seen(source.keys, 2)
        assert [signing.certificate, encryption.certificate] == [key.certificate for key in pairs["rsa-2048"]]
        assert (signing.can_sign, encryption.can_decrypt) == (True, True)
        reader.remove()
        assert seen(source.keys, 0) == []
    assert plugged.pins_received == 0


@pytest.mark.parametrize("kind", ["rsa-2048", "rsa-3072", "p-256"])
def test_slot_9c_signs_and_slot_9d_opens(
    reader: CardReader, source: TokenSource, card: MakeCard, kind: str
) -> None:
    reader.insert(card(kind))
    signing, encryption = seen(source.keys, 2)
    schemes = {usual_scheme(signing.certificate)}
    wraps = [WrapScheme.ECDH_SHA256]
    if kind != "p-256":
        schemes |= {SignatureScheme.RSA_PSS_SHA256}
        wraps = [WrapScheme.RSA_OAEP_SHA1, WrapScheme.RSA_OAEP_SHA256, WrapScheme.RSA_PKCS1]
    with source.unlock(signing, Nobody(PIN)) as key:
        # The key host has verified them with the certificate before they come here.
        assert all(len(set(key.sign(MESSAGES, scheme))) == len(MESSAGES) for scheme in schemes)
    with source.unlock(encryption, Nobody(PIN)) as key:
        for wrap in wraps:
            assert key.unwrap(cms.make_envelope(b"secret", key.certificate, wrap)) == b"secret", wrap


def test_the_signing_key_wants_its_pin_each_time_and_says_so_before_the_batch(
    reader: CardReader, source: TokenSource, card: MakeCard
) -> None:
    plugged = card("p-256")
    reader.insert(plugged)
    signing, encryption = seen(source.keys, 2)
    typist = Typist(PIN, PIN, PIN, PIN)
    with source.unlock(signing, typist) as key:
        assert source.keys()[0].always_authenticate
        assert len(typist.shown) == 1
        assert len(key.sign(MESSAGES, ECDSA)) == 3
    assert typist.pins == []
    assert plugged.pins_received == 4
    typist = Typist(PIN)
    with source.unlock(encryption, typist) as key:
        for secret in (b"one", b"two"):
            assert key.unwrap(cms.make_envelope(secret, key.certificate)) == secret
    assert typist.pins == []


def test_a_pin_of_the_wrong_length_never_reaches_the_card(
    reader: CardReader, source: TokenSource, card: MakeCard
) -> None:
    plugged = card("p-256")
    reader.insert(plugged)
    with pytest.raises(PinInvalid) as caught, source.unlock(seen(source.keys, 2)[0], Nobody(b"123456789")):
        pass
    assert (caught.value.shortest, caught.value.longest) == (4, 8)
    assert plugged.pins_received == 0


def test_three_wrong_pins_lock_the_card_and_the_right_one_is_not_even_asked_for(
    reader: CardReader, source: TokenSource, card: MakeCard
) -> None:
    plugged = card("rsa-2048")
    reader.insert(plugged)
    key = seen(source.keys, 2)[0]
    for last_try in (False, True):
        with pytest.raises(PinWrong) as caught, source.unlock(key, Nobody(WRONG)):
            pass
        assert caught.value.last_try is last_try
    assert plugged.pins_received == 2
    assert source.keys()[0].pin.last_try
    with pytest.raises(PinLocked), source.unlock(key, Nobody(WRONG)):
        pass
    assert plugged.pins_received == 3
    assert source.keys()[0].pin_locked
    typist = Typist(PIN)
    with pytest.raises(PinLocked), source.unlock(key, typist):
        pass
    assert (typist.shown, plugged.pins_received) == ([], 3)
    # Past that guard the card itself says no.
    host = ChildHost(opensc(), reader.environment)
    pin = bytearray(PIN)
    with closing(host), pytest.raises(PinLocked):
        host.ask(OpenKey(serial=key.token_serial, fingerprint=key.certificate.sha256, pin=pin), Opened, 10)
    assert source.keys()[0].pin_locked


def test_a_right_pin_gives_all_tries_back(reader: CardReader, source: TokenSource, card: MakeCard) -> None:
    plugged = card("p-256")
    reader.insert(plugged)
    key = seen(source.keys, 2)[1]
    for _ in range(2):
        with pytest.raises(PinWrong), source.unlock(key, Nobody(WRONG)):
            pass
    with source.unlock(key, Nobody(PIN)) as unlocked:
        assert unlocked.unwrap(cms.make_envelope(b"secret", key.certificate)) == b"secret"
    state = source.keys()[0].pin
    assert (state.wrong_before, state.last_try) == (False, False)
    assert plugged.pins_received == 3


def test_a_card_that_was_pulled_out_is_named_and_works_again_after_it_is_back(
    reader: CardReader, source: TokenSource, onlooker: TokenSource, card: MakeCard
) -> None:
    plugged = card("p-256")
    reader.insert(plugged)
    info = seen(source.keys, 2)[0]
    with source.unlock(info, Nobody(PIN)) as key:
        assert key.sign(MESSAGES, ECDSA)
        reader.remove()
        # Until the reader's daemon has noticed, a call may never return: see the last test.
        seen(onlooker.keys, 0)
        with pytest.raises(TokenRemoved) as caught:
            key.sign(MESSAGES, ECDSA)
        assert caught.value.token == info.token_label
        with pytest.raises(TokenRemoved), source.unlock(info, Nobody(PIN)):
            pass
        received = plugged.pins_received
        reader.insert(plugged)
        seen(onlooker.keys, 2)
        # A login ends with the card's power: the key of before is of no use any more, and sends no PIN.
        with pytest.raises(TokenRemoved):
            key.sign(MESSAGES, ECDSA)
        assert plugged.pins_received == received
    with source.unlock(info, Nobody(PIN)) as key:
        assert len(key.sign(MESSAGES, ECDSA)) == 3


@pytest.mark.parametrize("moment", [Instruction.VERIFY, Instruction.AUTHENTICATE], ids=["pin", "signature"])
def test_a_card_pulled_out_in_the_middle_of_a_command_is_named(
    reader: CardReader, source: TokenSource, card: MakeCard, moment: Instruction
) -> None:
    plugged = card("p-256")
    reader.insert(plugged)
    info = seen(source.keys, 2)[0]
    with source.unlock(info, Nobody(PIN)) as key:
        plugged.leave_at(moment)
        # The library itself says CKR_GENERAL_ERROR here.
        with pytest.raises(TokenRemoved) as caught:
            key.sign(MESSAGES, ECDSA)
        assert caught.value.token == info.token_label
    plugged.leave_at(None)
    reader.remove()
    assert plugged.pins_received == (1 if moment is Instruction.VERIFY else 2)
    reader.insert(plugged)
    seen(source.keys, 2)
    with source.unlock(info, Nobody(PIN)) as key:
        assert len(key.sign(MESSAGES, ECDSA)) == 3


def test_another_card_in_the_same_reader_gets_no_pin(
    reader: CardReader, source: TokenSource, onlooker: TokenSource, card: MakeCard
) -> None:
    reader.insert(card("p-256"))
    chosen = seen(source.keys, 2)[0]
    reader.remove()
    seen(onlooker.keys, 0)
    other, typist = card("rsa-2048"), Typist(PIN)
    reader.insert(other)
    (found, _) = seen(onlooker.keys, 2)
    with pytest.raises(TokenSwapped) as caught, source.unlock(chosen, typist):
        pass
    assert (caught.value.wanted, caught.value.found) == (chosen.token_serial, found.token_serial)
    assert (typist.shown, other.pins_received) == ([], 0)


def test_the_vendors_stack_hangs_right_after_a_removal_and_only_the_key_host_ends(
    reader: CardReader, card: MakeCard, make_source: MakeSource
) -> None:
    """A C_Sign before the daemon has noticed the removal never returns; once in many runs it has noticed."""
    source = make_source(reader.environment, Deadlines(login=60.0, use=1.5), opensc())
    plugged = card("p-256")
    errors: list[KeyProblem] = []
    while not any(isinstance(error, TokenTimedOut) for error in errors):
        assert len(errors) < 6, errors
        reader.insert(plugged)
        info = seen(source.keys, 2)[0]
        with source.unlock(info, Nobody(PIN)) as key:
            (host,) = host_pids(reader.environment)
            reader.remove()
            start = time.monotonic()
            with pytest.raises((TokenTimedOut, TokenRemoved)) as caught:
                key.sign(MESSAGES, ECDSA)
            errors.append(caught.value)
        seen(source.keys, 0)
    assert 1.5 <= time.monotonic() - start < 10
    assert isinstance(errors[-1], TokenTimedOut)
    assert (errors[-1].operation, errors[-1].seconds) == ("sign", 1.5)
    reader.insert(plugged)
    seen(source.keys, 2)
    with source.unlock(info, Nobody(PIN)) as key:
        assert len(key.sign(MESSAGES, ECDSA)) == 3
    assert host not in host_pids(reader.environment)

"""The PIN of an SKF device: counted exactly, never tried twice, never sent to another device."""

import pytest

from bidclient.ask import Nobody
from bidclient.crypto import cms
from bidclient.errors import (
    DriverFailed,
    KeyRefused,
    PinInvalid,
    PinLocked,
    PinWrong,
    TokenRemoved,
    TokenSwapped,
)
from tests.support.skf_token import MakeSkfSource, SkfDevice, listed, put, skf_device
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey
from tests.support.sm2_use import MESSAGE, PIN, SM2, TRIES, WRONG, keys_of, sign_once
from tests.support.softhsm import Typist


def test_wrong_pins_count_down_exactly_to_the_lock_and_none_is_tried_twice(
    make: MakeSkfSource, device: SkfDevice
) -> None:
    source = make()
    shown = []
    for number in range(1, TRIES):
        typist = Typist(WRONG)
        with pytest.raises(PinWrong) as caught, source.unlock(keys_of(source)[0], typist):
            pass
        shown += [(state.attempts_left, state.wrong_before, state.last_try) for _, state in typist.shown]
        assert (caught.value.attempts_left, device.left()) == (TRIES - number, TRIES - number)
    assert caught.value.last_try
    assert shown == [(left, left < TRIES, False) for left in range(TRIES, 1, -1)]
    assert keys_of(source)[0].pin.last_try
    with pytest.raises(PinLocked), source.unlock(keys_of(source)[0], Nobody(WRONG)):
        pass
    typist = Typist(PIN)
    with pytest.raises(PinLocked), source.unlock(keys_of(source)[0], typist):
        pass
    assert (typist.shown, device.left()) == ([], 0)


def test_the_right_pin_resets_the_count(make: MakeSkfSource, device: SkfDevice) -> None:
    source = make()
    with pytest.raises(PinWrong), source.unlock(keys_of(source)[0], Nobody(WRONG)):
        pass
    assert sign_once(source)
    assert device.left() == TRIES


@pytest.mark.parametrize("pin", [b"", b"48291", b"4829\x0013", b"0" * 256])
def test_a_pin_that_cannot_be_is_not_sent(make: MakeSkfSource, device: SkfDevice, pin: bytes) -> None:
    """A zero byte would end the PIN early, and an attempt would be spent on another one."""
    source = make()
    with pytest.raises(PinInvalid), source.unlock(keys_of(source)[0], Nobody(pin)):
        pass
    assert device.left() == TRIES


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("0A000001", DriverFailed),
        ("0B00FFFF", DriverFailed),
        ("0A00000F", DriverFailed),
        ("0A000023", TokenRemoved),
        ("0A000027", PinInvalid),
        ("0A000025", PinLocked),
    ],
)
def test_no_other_code_of_a_login_is_called_a_wrong_pin(
    make: MakeSkfSource, device: SkfDevice, code: str, kind: type[Exception]
) -> None:
    source = make(SKF_FAULT=f"SKF_VerifyPIN={code}")
    with pytest.raises(kind) as caught, source.unlock(keys_of(source)[0], Nobody(PIN)):
        pass
    assert kind is not DriverFailed or code in str(caught.value)
    assert device.left() == TRIES


def test_where_the_count_is_not_told_before_it_is_unknown(make: MakeSkfSource) -> None:
    source = make(SKF_FAULT="SKF_GetPINInfo=0A000003")
    key = keys_of(source)[0]
    assert (key.pin.attempts_left, key.pin.wrong_before, key.pin_locked) == (None, False, False)
    with pytest.raises(PinWrong) as caught, source.unlock(key, Nobody(WRONG)):
        pass
    assert caught.value.attempts_left == TRIES - 1


def test_where_a_wrong_pin_is_answered_without_a_count_that_is_asked_for(make: MakeSkfSource) -> None:
    source = make(SKF_FAULT="SKF_VerifyPIN=0A000024")
    with pytest.raises(PinWrong) as caught, source.unlock(keys_of(source)[0], Nobody(WRONG)):
        pass
    assert caught.value.attempts_left == TRIES


def test_both_keys_are_open_at_once_until_a_wrong_pin(
    make: MakeSkfSource, encryption: Sm2InMemoryKey, device: SkfDevice
) -> None:
    source = make()
    first, second = keys_of(source)
    envelope = cms.make_envelope(b"s", encryption.certificate)
    with source.unlock(first, Nobody(PIN)) as signer:
        with source.unlock(second, Nobody(PIN)) as opener:
            assert signer.sign([MESSAGE], SM2)
            assert opener.unwrap(envelope) == b"s"
            assert len(listed(source)) == 2
        assert signer.sign([MESSAGE, MESSAGE], SM2)
        with pytest.raises(PinWrong), source.unlock(second, Nobody(WRONG)):
            pass
        with pytest.raises(KeyRefused):
            signer.sign([MESSAGE], SM2)
    assert device.left() == TRIES - 1


def test_another_device_in_its_place_gets_no_pin(
    make: MakeSkfSource, device: SkfDevice, sm2_authority: Sm2Authority
) -> None:
    source = make()
    key = keys_of(source)[0]
    device.unplug()
    other = skf_device(
        device.folder, "SKF-0002", sm2_authority.issue("signing"), sm2_authority.issue("encryption")
    )
    typist = Typist(PIN)
    with pytest.raises(TokenSwapped), source.unlock(key, typist):
        pass
    assert (typist.shown, other.left()) == ([], TRIES)


def test_two_applications_on_one_device_are_two_tokens_with_a_pin_each(
    make: MakeSkfSource, device: SkfDevice, sm2_authority: Sm2Authority
) -> None:
    put(device.container("other", "GZCA"), "sign", sm2_authority.issue("signing", name="另一证书"))
    source = make()
    serials = {key.token_serial for key in listed(source)}
    assert serials == {"SKF-0001/ENTERSAFE", "SKF-0001/GZCA"}
    (key,) = [key for key in listed(source) if key.token_serial.endswith("GZCA")]
    with pytest.raises(PinWrong), source.unlock(key, Nobody(WRONG)):
        pass
    assert (device.left("GZCA"), device.left()) == (TRIES - 1, TRIES)

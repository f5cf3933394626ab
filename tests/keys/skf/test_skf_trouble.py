"""What goes wrong with SKF devices and their libraries is named, and the program lives on."""

from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.errors import DriverFailed, KeyRefused, TokenRemoved, TokenTimedOut
from bidclient.keys.child import Deadlines
from tests.support.modules import compiled
from tests.support.skf_token import MakeSkfSource, SkfDevice, listed, skf_source
from tests.support.sm2_pki import Sm2Authority
from tests.support.sm2_use import MESSAGE, PIN, SM2, keys_of, sign_once
from tests.support.softhsm import host_pids

QUICK = Deadlines(look=20, login=20, use=1.0)


def test_a_device_pulled_out_is_named_and_works_when_it_is_back(
    make: MakeSkfSource, device: SkfDevice
) -> None:
    source = make()
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key:
        assert key.sign([MESSAGE], SM2)
        device.unplug()
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], SM2)
        assert listed(source) == []
        device.plug_in()
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], SM2)
    assert sign_once(source)
    source.close()
    assert device.open_handles == 0


def test_a_device_that_was_out_between_two_looks_is_connected_anew(
    make: MakeSkfSource, device: SkfDevice
) -> None:
    source = make()
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key:
        device.unplug()
        device.plug_in()
        assert len(listed(source)) == 2
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], SM2)
    assert sign_once(source)
    source.close()
    assert device.open_handles == 0


def test_a_device_pulled_out_in_the_middle_of_a_signature(make: MakeSkfSource) -> None:
    source = make(SKF_FAULT="SKF_ECCSignData=0A000023")
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key, pytest.raises(TokenRemoved):
        key.sign([MESSAGE], SM2)


def test_missing_certificates_hide_nothing_else(make: MakeSkfSource, device: SkfDevice) -> None:
    container = device.folder / "ENTERSAFE" / "bid-container"
    (container / "encrypt.crt").unlink()
    device.container("empty")
    device.container("empty", "VENDOR")
    source = make()
    assert [(key.can_sign, key.token_serial) for key in listed(source)] == [(True, "SKF-0001")]
    (container / "sign.crt").unlink()
    assert listed(source) == []
    assert [state.tokens for state in source.survey()] == [("国密锁 SKF-0001",)]


def test_a_certificate_over_another_key_never_signs(
    make: MakeSkfSource, device: SkfDevice, sm2_authority: Sm2Authority
) -> None:
    container = device.folder / "ENTERSAFE" / "bid-container"
    (container / "sign.key").write_bytes(sm2_authority.issue("signing").pem)
    with pytest.raises(KeyRefused):
        sign_once(make())


@pytest.mark.parametrize("fault", ["wrong", "long"])
def test_a_wrong_signature_never_leaves(make: MakeSkfSource, fault: str) -> None:
    with pytest.raises(KeyRefused):
        sign_once(make(SKF_FAULT=f"SKF_ECCSignData={fault}"))


def test_a_device_that_hangs_is_given_up_and_the_next_host_works(
    make: MakeSkfSource, device: SkfDevice
) -> None:
    source = make(deadlines=QUICK, SKF_FAULT="SKF_ECCSignData=hang")
    signing = keys_of(source)[0]
    first = host_pids(device.environment)
    with source.unlock(signing, Nobody(PIN)) as key, pytest.raises(TokenTimedOut):
        key.sign([MESSAGE], SM2)
    assert len(listed(source)) == 2
    assert host_pids(device.environment) != first


def test_a_library_that_crashes_takes_nothing_with_it(make: MakeSkfSource) -> None:
    source = make(SKF_FAULT="SKF_ECCSignData=crash")
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key, pytest.raises(DriverFailed):
        key.sign([MESSAGE], SM2)
    assert len(listed(source)) == 2


@pytest.mark.parametrize(
    ("fault", "operation", "reason"),
    [
        ("SKF_EnumDev=nonsense", "SKF_EnumDev", "2147483647 bytes"),
        ("SKF_GetDevInfo=nonsense", "SKF_GetDevInfo", "ULONG 4, pack 1 (assumed)"),
        ("SKF_EnumDev=0A000001", "SKF_EnumDev", "SAR_FAIL (0x0A000001)"),
    ],
)
def test_nonsense_is_refused_and_told(make: MakeSkfSource, fault: str, operation: str, reason: str) -> None:
    source = make(SKF_FAULT=fault)
    assert listed(source) == []
    (state,) = source.survey()
    assert isinstance(state.problem, DriverFailed)
    assert state.problem.operation == operation
    assert reason in state.problem.reason


def test_no_device_is_no_error(make: MakeSkfSource, device: SkfDevice) -> None:
    device.unplug()
    (state,) = make().survey()
    assert (state.api, state.tokens, state.problem) == ("skf", (), None)
    assert make(SKF_FAULT="SKF_EnumDev=0A000023").survey()[0].problem is None


def test_a_library_with_neither_interface_says_so(tmp_path: Path) -> None:
    library = compiled(tmp_path / "libother.so", "sm2_crypto.c", options=("-lcrypto",))
    source = skf_source(library, {})
    try:
        (state,) = source.survey()
    finally:
        source.close()
    assert isinstance(state.problem, DriverFailed)
    assert "neither C_GetFunctionList nor SKF_EnumDev" in state.problem.reason

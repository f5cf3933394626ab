"""Where a PIN must never be found: command lines, environments, errors, logs."""

import io
import logging
from base64 import b64encode
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.cli.person import Person
from bidclient.cli.say import Say
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import BidError, PinWrong
from bidclient.keys.frames import OpenKey, Result, wipe, write_frame
from bidclient.keys.provision import EntryOrder, TokenOrder
from bidclient.keys.soft import SoftSource
from tests.support.pki import InMemoryKey
from tests.support.softhsm import PIN, MakeSource, company_token, host_pids, write_pfx

OTHER_PIN = b"773501-Qx"


def spellings(pin: bytes) -> list[str]:
    return [pin.decode(), pin.hex(), repr(list(pin)), b64encode(pin).decode()]


def everything_about(error: BaseException | None) -> str:
    text = ""
    while error is not None:
        facts = error.facts if isinstance(error, BidError) else {}
        text += f"{error} {error!r} {error.args} {facts}\n"
        error = error.__cause__ or error.__context__
    return text


def test_a_pin_is_in_no_argument_environment_error_or_log(
    tmp_path: Path,
    pairs: dict[str, list[InMemoryKey]],
    make_source: MakeSource,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(1)
    logging.getLogger("bidclient").setLevel(1)
    environment = company_token(tmp_path, "企业锁", pairs["p-256"])
    source = make_source(environment)
    key = source.keys()[0]
    with source.unlock(key, Nobody(PIN)) as unlocked:
        unlocked.sign([b"text"], SignatureScheme.ECDSA_SHA256)
        (pid,) = host_pids(environment)
        process = Path(f"/proc/{pid}")
        seen = ((process / "cmdline").read_bytes() + (process / "environ").read_bytes()).decode()
    with pytest.raises(PinWrong) as caught, source.unlock(key, Nobody(OTHER_PIN)):
        pass
    seen += everything_about(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert "open" in caplog.text
    for pin in (PIN, OTHER_PIN):
        assert [text for text in spellings(pin) if text in seen] == []


def test_the_password_of_a_file_is_in_no_error_or_log(
    tmp_path: Path, pairs: dict[str, list[InMemoryKey]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    source = SoftSource([write_pfx(tmp_path / "key.pfx", pairs["p-256"][0])])
    with pytest.raises(PinWrong) as caught, source.unlock(source.keys()[0], Nobody(OTHER_PIN)):
        pass
    seen = everything_about(caught.value) + caplog.text
    assert [text for text in spellings(OTHER_PIN) if text in seen] == []


def test_a_frame_with_a_pin_is_wiped_after_it_was_sent() -> None:
    class Pipe(io.RawIOBase):
        """Keeps what it is given, as it is and as it was."""

        def write(self, data: memoryview) -> int:  # type: ignore[override]
            self.given, self.copy = data, bytes(data)
            return len(data)

    pipe = Pipe()
    write_frame(pipe, OpenKey(serial="1", fingerprint="ab", pin=bytearray(PIN)))
    assert b64encode(PIN) in pipe.copy
    assert not any(pipe.given)


def test_what_crosses_the_pipe_shows_no_secret_when_it_is_printed() -> None:
    entry = EntryOrder(pkcs8=PIN, certificate=b"", always_authenticate=False)
    order = TokenOrder(module="", label="企业锁", pin=PIN, entries=(entry,), issuers=())
    request = OpenKey(serial="1", fingerprint="ab", pin=bytearray(PIN))
    typed = {"企业锁": PIN.decode()}
    person = Person(Say("zh"), pin_lines=[PIN.decode()], typed=typed)
    for message in (request, Result(data=PIN), order, entry, person):
        assert PIN.decode() not in repr(message)


def test_wiping_leaves_the_length_and_nothing_else() -> None:
    secret = bytearray(PIN)
    wipe(secret)
    assert secret == bytes(len(PIN))

"""A phone at the command line: pairing, listing and signing, with the QR code and the code on stderr only."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass

import msgspec
import pytest
import segno

from bidclient.ask import PhoneRequest
from bidclient.cli.phone import PhoneScreen, qr_lines
from bidclient.cli.say import Say
from bidclient.sandbox.samples import sample_bid
from bidclient.store.settings import MobileSettings, read_settings, write_settings
from tests.cli.conftest import Program
from tests.support.desks import Bidder
from tests.support.phone import PhonePlayer

ADDRESS = re.compile(r"https?://\S+/phone/\?\S+")
CODE = re.compile(r"(?:：|: )(\d{4})$", re.MULTILINE)
SCANNED = re.compile("已扫码|Scanned")


@dataclass
class Run:
    """What a run of the program has said."""

    code: int
    out: str
    err: str


def run(program: Program, player: PhonePlayer, *arguments: str, approve: bool = True) -> Run:
    """Run the program, with a person at the phone who decides when its stderr says that the link was read."""
    environment = {**os.environ, "BIDCLIENT_HOME": str(program.home)}
    heard: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "bidclient", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        out: list[str] = []
        reader = threading.Thread(target=lambda: out.append(process.stdout.read()))  # type: ignore[union-attr]
        reader.start()
        scanned: set[str] = set()
        for line in process.stderr:
            heard.append(line)
            address, code = ADDRESS.findall("".join(heard)), CODE.findall(line)
            if not address or not code:
                continue
            if address[-1] not in scanned:
                scanned.add(address[-1])
                shown = player.scan(address[-1])
                assert code[0] in shown.json()["codes"]
            elif SCANNED.search(line):
                assert player.decide(address[-1], code[0] if approve else "", approve).ok
        reader.join(30)
        return Run(process.wait(30), out[0], "".join(heard))


@pytest.fixture
def player(program: Program, bidder: Bidder) -> PhonePlayer:
    """The company's phone; the program's settings know its authority, and no other key."""
    path = program.home / "settings.toml"
    mobile = MobileSettings(address=bidder.sandbox.url)
    write_settings(path, msgspec.structs.replace(read_settings(path), pfx_files=(), mobile=mobile))
    made = PhonePlayer(bidder.sandbox.url)
    wanted = sample_bid(bidder.sample).bidder
    made.add(wanted.name, wanted.uscc)
    return made


def test_a_phone_is_paired_listed_and_logs_in(program: Program, player: PhonePlayer, bidder: Bidder) -> None:
    paired = run(program, player, "keys", "pair", "--json")
    assert paired.code == 0, paired.err
    uses = {tuple(key["uses"]): key for key in json.loads(paired.out)["keys"]}
    assert set(uses) == {("sign",), ("decrypt",)}
    assert {key["source"] for key in program.json("keys")["keys"]} == {"phone"}
    text = program.run("keys").stdout
    assert "每次使用都要在手机上确认" in text
    logged_in = run(program, player, "login", "--key", "phone", "--json")
    assert logged_in.code == 0, logged_in.err
    assert json.loads(logged_in.out)["uscc"] == sample_bid(bidder.sample).bidder.uscc
    assert "已扫码" in logged_in.err
    assert "还剩" in logged_in.err
    tested = run(program, player, "keys", "test", uses[("decrypt",)]["id"])
    assert tested.code == 0, tested.err
    log = "".join(path.read_text("utf-8") for path in (program.home / "log").glob("*"))
    assert not re.findall(r"1[3-9]\d{9}", log)


def test_a_refusal_has_its_own_sentence_and_exit_code(program: Program, player: PhonePlayer) -> None:
    refused = run(program, player, "keys", "pair", "--json", approve=False)
    assert refused.code == 3
    error = json.loads(refused.out)["error"]
    assert error["code"] == "E-PHONE-REFUSED"
    english = run(program, player, "keys", "pair", "--language", "en", approve=False)
    assert "Refused on the phone" in english.err


def test_ctrl_c_cancels_at_the_authority_too(program: Program, player: PhonePlayer) -> None:
    environment = {**os.environ, "BIDCLIENT_HOME": str(program.home)}
    with subprocess.Popen(
        [sys.executable, "-m", "bidclient", "keys", "pair"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stderr is not None
        address = next(found for line in process.stderr for found in ADDRESS.findall(line))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(30) == 1
    assert "E-CANCELLED" in rest
    assert player.scan(address).json()["code"] == "gone"


def test_without_an_authority_pairing_says_so(program: Program) -> None:
    error = program.error(2, "keys", "pair")
    assert error["facts"]["setting"] == "mobile"


def test_the_picture_is_the_qr_code_of_the_address() -> None:
    address = "http://127.0.0.1:40000/phone/?v=1&t=abcdefghijklmnopqrstuv&e=12&a=abcdefghijklmnopqrstuv"
    rows: list[list[int]] = []
    halves = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    for line in qr_lines(address):
        upper, lower = zip(*(halves[character] for character in line), strict=True)
        rows += [list(upper), list(lower)]
    quiet = [row[2:-2] for row in rows[2:]]
    wanted = [list(row) for row in segno.make(address, error="l", micro=False).matrix]
    assert quiet[: len(wanted)] == wanted
    assert all(not any(row) for row in rows[:2])


def test_a_pipe_gets_an_address_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    screen, say = PhoneScreen(), Say("zh")
    for left in (180, 178, 170, 160, 150):
        screen.show(PhoneRequest(f"http://x/phone/?e={left}", "1234", left, "公司", "sign", 3), say)
    screen.show(PhoneRequest("http://x/phone/?e=1", "1234", 149, "公司", "sign", 3, True), say)
    said = capsys.readouterr()
    assert re.findall(r"e=(\d+)", said.err) == ["180", "160"]
    assert "签名 3 项 · 公司" in said.err
    assert said.err.count("已扫码") == 1
    assert said.out == ""


def test_on_a_terminal_the_picture_is_drawn_over_the_last() -> None:
    script = (
        "from bidclient.ask import PhoneRequest as R; from bidclient.cli.phone import PhoneScreen as S\n"
        "from bidclient.cli.say import Say; screen, say = S(), Say('zh'); where = 'http://127.0.0.1/phone/?e='\n"
        "screen.show(R(where + '0', '1234', 180, 'company'), say)\n"
        "screen.show(R(where + '2', '1234', 178, 'company'), say)\n"
        "screen.show(R(where + '4', '1234', 176, 'company', scanned=True), say)\n"
    )
    master, slave = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", script], stderr=slave, env={**os.environ, "COLUMNS": "60"}):
        os.close(slave)
        seen = b""
        try:
            while block := os.read(master, 65536):
                seen += block
        except OSError:
            # Linux says so when the other end is closed.
            pass
        finally:
            os.close(master)
    first, second, third = re.split(r"\x1b\[\d+A\x1b\[J", seen.decode())
    ups = [int(number) for number in re.findall(r"\x1b\[(\d+)A", seen.decode())]
    assert ups == [first.count("\n"), second.count("\n")]
    assert "█" in second
    assert "█" not in third
    assert "还剩 176 秒" in third

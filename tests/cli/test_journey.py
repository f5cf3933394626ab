"""From tender to receipt by commands alone, each answering in JSON."""

import subprocess
from pathlib import Path

from bidclient.sandbox.samples import sample_bid
from tests.cli.conftest import Program
from tests.support.desks import PIN, SAMPLE, Bidder


def test_a_bid_by_commands(program: Program, bidder: Bidder, tmp_path: Path) -> None:
    lot, key, bid = bidder.lot(), bidder.signing, tmp_path / "bid"
    pin = ("--key", key, "--pin-stdin")
    wanted = sample_bid(SAMPLE)
    assert program.json("login", *pin)["uscc"] == wanted.bidder.uscc
    assert lot in {row["id"] for row in program.json("lots", *pin)["lots"]}
    program.json("register", lot, *pin, "--contact", "联系人", "--phone", "0934-0000000")
    program.json("tender", "download", lot, *pin, "--out", tmp_path / "a.tender")
    shown = program.json("tender", "show", tmp_path / "a.tender")
    assert shown["lot_id"] == lot
    assert program.json("new", tmp_path / "a.tender", bid)["stage"] == "draft"

    fields = [f"{name}={value}" for name, value in wanted.form.items()]
    fields += [f"bidder.{name}={getattr(wanted.bidder, name)}" for name in wanted.bidder.__struct_fields__]
    program.json("set", bid, *fields)
    prices = tmp_path / "prices.csv"
    rows = [f"{item.code},{item.unit_price_fen / 100:.2f}" for item in wanted.prices]
    prices.write_text("code,unit_price\n" + "\n".join(rows) + "\n", "utf-8")
    program.json("prices", bid, prices)
    missing = program.error(1, "pack", bid)
    assert missing["code"] == "E-INCOMPLETE"
    assert program.run("check", bid, "--json").returncode == 1
    for part in dict.fromkeys(document.part for document in wanted.documents):
        files = [document.path for document in wanted.documents if document.part == part]
        program.json("add", bid, part, *files)
    document = wanted.documents[0]
    program.json("remove", bid, document.part, document.name)
    program.json("add", bid, document.part, document.path, "--name", document.name)
    first = program.json("status", bid)["documents"][0]
    clause = wanted.links[0].clause
    program.json("link", bid, f"{clause}={first['part']}/{first['file']}:1")
    assert program.run("check", bid, "--json").returncode == 1, "the seals are missing"
    picture = tmp_path / "seal.png"
    program.json("seal-image", wanted.bidder.name, "--code", wanted.bidder.uscc, "--out", picture)
    stamped = program.json("stamp", bid, *pin, "--image", picture)
    assert stamped["complete"]
    assert {file["outcome"] for file in stamped["files"]} == {"sealed"}
    letter = next(one for one in program.json("status", bid)["documents"] if one["name"] == "bid-letter")
    (judged,) = program.json("verify", bid / "parts" / letter["part"] / letter["file"])
    assert judged["holds"], judged
    assert program.json("stamp", bid, *pin)["files"][0]["outcome"] == "already"
    assert program.error(1, "stamp", bid, *pin, "--document", "technical/construction-plan")
    assert "骑缝章" in program.run("--language", "zh", "stamp", bid, *pin).stdout
    report = program.json("check", bid)
    assert report["passed"], report

    assert program.json("keys")["keys"]
    assert program.json("keys", "test", key, "--pin-stdin")["scheme"]
    assert program.error(1, "submit", bid, *pin)["code"] == "E-WRONG-STAGE"
    assert program.json("pack", bid)["documents"] == len(wanted.documents)
    assert program.json("sign", bid, *pin)["timestamped"]
    sealed = program.json("seal", bid, *pin, "--recovery-code", tmp_path / "code.txt")
    assert sealed["rehearsal"]["complete"]
    assert program.json("rehearse", bid, "--pin-stdin")["sealed_sha256"] == sealed["sha256"]
    told = subprocess.run(["sha256sum", bid / "bid.sealed"], capture_output=True, text=True, check=True)
    assert told.stdout.split()[0] == sealed["sha256"]
    reports = program.json("verify", bid, bid / "bid.asice")
    assert all(report["holds"] for report in reports)
    program.json("unseal", bid / "bid.sealed", "--pin-stdin", "--out", tmp_path / "1.asice")
    code = ("--recovery-code", tmp_path / "code.txt")
    program.json("unseal", bid / "bid.sealed", *code, "--out", tmp_path / "2.asice")
    assert (tmp_path / "1.asice").read_bytes() == (tmp_path / "2.asice").read_bytes()

    receipt = program.json("submit", bid, *pin)
    assert program.json("receipt", bid, *pin)["receipt_no"] == receipt["receipt_no"]
    assert program.json("status", bid)["stage"] == "submitted"
    assert program.error(4, "opening", "release", bid, *pin)["code"] == "E-OPENING"
    assert program.json("evidence", "export", bid, tmp_path / "evidence")["files"]
    judged = program.json("evidence", "verify", tmp_path / "evidence", "--trust", bidder.sandbox.trust)
    assert judged["holds"], [row for row in judged["verdicts"] if row["verdict"] != "valid"]
    assert program.json("withdraw", bid, *pin)["kind"] == "withdrawal"
    text = program.run("status", bid).stdout
    assert "已加密，已试解密" in text


def test_a_tampered_file_gives_exit_code_5(program: Program, bidder: Bidder) -> None:
    folder = bidder.signed()
    content = bytearray((folder / "bid.asice").read_bytes())
    content[-3000] ^= 1
    (folder / "bid.asice").write_bytes(content)
    assert program.run("verify", folder / "bid.asice", "--json").returncode == 5


def test_what_is_stale_is_told_in_chinese(program: Program, bidder: Bidder) -> None:
    folder = bidder.signed()
    edited = bidder.desk.preparing.set_fields(folder, {"bidder.phone": "0934-7654321"})
    for name in edited.superseded:
        (folder / name).rename(folder / name.partition("-")[2])
    told = program.run("status", folder).stdout
    assert "已过期：bid.zip（固化后又修改过内容）" in told
    assert "已过期：bid.asice（所依据的内容后来有改动）" in told
    assert (
        "Stale: bid.zip (the draft was edited since)"
        in program.run("status", folder, "--language", "en").stdout
    )


def test_a_wrong_pin_gives_exit_code_3_and_shows_nothing(program: Program, bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    done = program.run("sign", folder, "--key", bidder.signing, "--pin-stdin", pin=b"not-the-pin-777")
    assert done.returncode == 3
    assert "E-PIN-WRONG" in done.stderr
    logs = "".join(path.read_text("utf-8") for path in (program.home / "log").iterdir())
    assert "not-the-pin-777" not in done.stdout + done.stderr + logs
    assert PIN.decode() not in logs
    assert program.run("sign", folder, "--key", bidder.signing, pin=b"").returncode == 1


def test_an_unreachable_network_gives_exit_code_4(program: Program, bidder: Bidder) -> None:
    settings = (program.home / "settings.toml").read_text("utf-8")
    closed = settings.replace(bidder.sandbox.url, "http://127.0.0.1:9")
    (program.home / "settings.toml").write_text(closed, "utf-8")
    error = program.error(4, "lots", "--key", bidder.signing, "--pin-stdin")
    assert error["code"] == "E-UNREACHABLE"
    assert error["retryable"]

"""certificates, and what the program says of revocation, in both languages."""

import re
from pathlib import Path

from tests.cli.conftest import Program
from tests.support.desks import Bidder
from tests.support.pki import Authority


def test_the_page_is_told_in_both_languages(program: Program, bidder: Bidder) -> None:
    folder = bidder.sealed()
    chinese = program.run("certificates", "--bids", folder.parent)
    assert chinese.returncode == 0, chinese.stderr
    for words in (
        bidder.keys.signing_cert.organization,
        "[签名]",
        "[加密]",
        "国际算法 p-256",
        "签发者",
        "吊销状态 [有效]",
        "未开标（已加密）",
        "同属一套双证书",
        "不要换新密钥",
        str(folder),
    ):
        assert words in chinese.stdout
    english = program.run("certificates", "--bids", folder.parent, "--language", "en").stdout
    for words in (
        "[sign]",
        "intl p-256",
        "revocation [valid]",
        "to be opened (sealed)",
        "double certificate",
    ):
        assert words in english


def test_the_page_as_json(program: Program, bidder: Bidder) -> None:
    folder = bidder.sealed()
    page = program.json("certificates", "--bids", folder)
    signing, encryption = page["certificates"]
    assert (signing["pair"], encryption["pair"]) == (encryption["sha256"], signing["sha256"])
    assert encryption["bids"][0]["locks"] == [encryption["sha256"]]
    assert page["clock_off"] is False
    error = program.error(2, "certificates", "--bids", folder / "nothing")
    assert error["code"] == "E-FILE"


def test_a_revoked_certificate_is_refused_with_what_to_do(program: Program, bidder: Bidder) -> None:
    folder = bidder.signed()
    bidder.sandbox.fault("cert-revoked")
    error = program.error(1, "seal", folder, "--key", bidder.signing, "--pin-stdin")
    assert error["code"] == "E-CERT-REVOKED"
    assert bidder.keys.signing_cert.common_name in error["cause"]
    assert bidder.keys.signing_cert.subject not in error["cause"]
    shown = program.run("certificates")
    assert "吊销状态 [无效] 已被吊销：" in shown.stdout
    verified = program.run("verify", folder / "bid.asice")
    assert "[有效] bid.asice 吊销状态" in verified.stdout


def test_of_a_revoked_certificate_no_renewal_is_spoken(program: Program, bidder: Bidder) -> None:
    folder = bidder.sealed()
    assert "续期" in program.run("certificates", "--bids", folder).stdout
    bidder.sandbox.fault("cert-revoked")
    chinese = program.run("certificates", "--bids", folder).stdout
    assert "未开标（已加密）" in chinese
    assert "续期" not in chinese
    assert "renew" not in program.run("certificates", "--bids", folder, "--language", "en").stdout


def test_a_warning_is_shown_in_both_languages(program: Program, bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.signed()
    settings = program.home / "settings.toml"
    text = settings.read_text("utf-8")
    settings.write_text(re.sub(r"\ntrust = .*", f'\ntrust = ["{_stranger(tmp_path)}"]', text), "utf-8")
    sealed = program.run("seal", folder, "--key", bidder.signing, "--pin-stdin")
    assert sealed.returncode == 0, sealed.stderr
    assert "本网络不认识证书的签发者" in sealed.stdout
    english = program.run("seal", folder, "--key", bidder.signing, "--pin-stdin", "--language", "en").stdout
    assert "is unknown to this network" in english
    assert "Ask the trading centre" in english


def _stranger(folder: Path) -> Path:
    path = folder / "stranger.pem"
    path.write_bytes(Authority.root("bidclient sandbox elsewhere", 1002).certificate.pem)
    return path

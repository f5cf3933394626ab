"""The self-check of the README, typed as it stands: what was spoiled is found, a rival stays unread."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema

from bidclient import resource
from tests.journey.test_by_hand import block, typed

RIVAL = "甘肃青岚建设集团有限公司"


def test_the_block_of_the_readme_finds_what_was_spoiled(tmp_path: Path) -> None:
    told = typed(block("typed as it stands by `make test`:"), tmp_path)
    record: dict[str, Any] = json.loads((tmp_path / "check.json").read_bytes())
    jsonschema.validate(record, json.loads(resource.read_bytes("schemas/self-check.json")))
    rules = {one["rule"] for one in record["findings"]}
    # Another company as author, a leftover name, and the seals that are still wanting.
    assert {"META-001", "TXT-002", "SEAL-001"} <= rules
    counted = [one for one in record["passages"] if not one["excused"]]
    plan = "technical/construction-plan.pdf"
    assert {one["there"]["document"] for one in counted} == {
        "[1] 寺前街/construction-plan.pdf",
        "partner.pdf",
    }
    assert {one["here"]["document"] for one in counted} == {plan}
    assert sum(one["here"]["end"] - one["here"]["start"] for one in counted) > 500
    shares = {one["document"]: one for one in record["coverage"]}
    assert shares["price/priced-bill.pdf"]["tender"] > shares["price/priced-bill.pdf"]["characters"] / 2
    assert sum(one["counted"] for name, one in shares.items() if name not in (plan, "")) == 0
    (refused,) = record["refused"]
    assert refused["name"] == "rival.pdf"
    assert refused["sha256"] == _sha256(tmp_path / "spoiled" / "others" / "rival.pdf")

    for said in ("[中] META-001", "相同文字占比", "! 拒收 rival.pdf", "不构成雷同/串通认定", "已说明"):
        assert said in told
    latest = json.loads((tmp_path / "spoiled-bid" / "self-check" / "001" / "report.json").read_bytes())
    assert latest == record
    page = (tmp_path / "check.html").read_text("utf-8")
    paper = subprocess.run(
        ["pdftotext", tmp_path / "check.pdf", "-"], capture_output=True, check=True, text=True
    ).stdout
    closed = "我方愿以下列报价承担本标段的全部工作"
    for text in (page, paper, json.dumps(record, ensure_ascii=False)):
        assert "寺前街" in text
        assert closed not in text


def _sha256(path: Path) -> str:
    done = subprocess.run(["sha256sum", path], capture_output=True, check=True, text=True)
    return done.stdout.split()[0]

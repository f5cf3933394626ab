"""What a judge has proven, or found wrong, reads as Chinese, with the times of China, and loses nothing."""

import pytest

from bidclient.cli.say import Say, lines_of
from bidclient.errors import BadManifest
from bidclient.stages.evidence import Verdict

DIGEST = "8de16b644518a37bf9632a55f434d785"


@pytest.mark.parametrize(
    ("line", "chinese"),
    [
        (f"8 documents, manifest {DIGEST}", f"8 份文件，清单 {DIGEST}"),
        ("22 entries", "22 条，首尾相连"),
        ("not revoked as of 2026-11-25T16:43:58+00:00", "截至 2026-11-26 00:43:58（北京时间） 未吊销"),
        (
            "时间戳服务 not revoked as of 2026-11-25T16:43:58+00:00; "
            "某公司 revoked later, 2026-11-25T16:53:09+00:00",
            "时间戳服务，截至 2026-11-26 00:43:58（北京时间） 未吊销；"
            "某公司，此后于 2026-11-26 00:53:09（北京时间） 被吊销",
        ),
        (
            "某公司, at 2026-11-26T00:46:33.000+08:00 by the signer's own clock, seal made by 制章单位",
            "某公司，签名人自己的时钟为 2026-11-26 00:46:33（北京时间），制章单位 制章单位",
        ),
        (
            "company: covers the whole file; cross-page: covers the whole file",
            "公章：覆盖整个文件；骑缝章：覆盖整个文件",
        ),
        (f"sealed bid {DIGEST}, signed by C=CN, O=某公司", f"加密文件 {DIGEST}，签名人 C=CN, O=某公司"),
        ("lot A1, version 1, signed by C=CN, O=某公司", "标段 A1，第 1 版，签名人 C=CN, O=某公司"),
        ("2026-11-26T00:46:32.000+08:00", "2026-11-26 00:46:32（北京时间）"),
        ("甘肃砚岭路桥建设有限公司", "甘肃砚岭路桥建设有限公司"),
        ("2026-99-99T99", "2026-99-99T99"),
        ("not revoked as of 2026-99-99T99:99:99+00:00", "截至 2026-99-99T99:99:99+00:00 未吊销"),
    ],
)
def test_a_proof_is_said_in_chinese_and_what_is_not_known_stays(line: str, chinese: str) -> None:
    assert Say("zh").reason(line) == chinese
    if "（北京时间）" not in chinese:
        assert Say("en").reason(line) == line


def test_times_are_those_of_china_in_either_language() -> None:
    line = "甲 not revoked as of 2026-11-25T16:43:58+00:00; at 2026-11-26T00:46:33.000+08:00"
    told = "甲 not revoked as of 2026-11-26 00:43:58 UTC+8; at 2026-11-26 00:46:33 UTC+8"
    assert Say("en").reason(line) == told


def test_a_verdict_made_from_an_error_is_said_in_the_words_for_that_error() -> None:
    error = BadManifest("投标函.pdf", "SHA-256 differs")
    verdict = Verdict("bid.zip: documents", "invalid", str(error), error)
    (chinese,) = lines_of(verdict, Say("zh"))
    assert chinese == "  [无效] bid.zip 文件: 文件与清单不一致：投标函.pdf：内容已变（SHA-256 不同）。"
    (english,) = lines_of(verdict, Say("en"))
    assert "A document differs from the manifest: 投标函.pdf: SHA-256 differs." in english

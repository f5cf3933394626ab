"""The catalogue as a whole: every rule has a basis, honest advice, and both languages."""

import re
import string
from pathlib import Path

import msgspec
import pytest

from bidclient.checks.finding import Evidence, Place
from bidclient.checks.rules import RULES as CHECKED
from bidclient.errors import SettingProblem
from bidclient.similarity.findings.catalogue import OWN_RULES, RULES, told
from bidclient.similarity.findings.thresholds import ORIGINS, THRESHOLDS, Thresholds
from bidclient.store.settings import Settings, read_settings, write_settings

# The ids of the catalogue as the field document gives them.
CATALOGUE = {
    "ANON-001",
    "BND-001",
    "DEV-001",
    "DEV-002",
    "ERR-001",
    "GUID-001",
    "IMG-001",
    "LCK-001",
    "LCK-002",
    "META-001",
    "META-002",
    "META-003",
    "NET-001",
    "PER-001",
    "PRC-001",
    "PRC-002",
    "TXT-001",
    "TXT-002",
    "TXT-003",
}
FORBIDDEN_ZH = (
    "修改MAC|更换网卡|换网卡|伪造|清除|清理|抹去|抹除|隐藏|掩盖|规避|绕过|躲避|随机|重装|改写以|降重|洗稿|销毁|"
    "修改时间|修改作者|更改作者|改作者|改日期|删除元数据|恢复出厂"
)
FORBIDDEN_EN = (
    r"hide|conceal|spoof|fake|forge|wipe|erase|scrub|clean up|evade|avoid detection|bypass|circumvent|"
    r"randomi[sz]e|rephrase|reinstall|change the (?:mac|date|author|time)|remove (?:the )?metadata"
)
CHINESE = re.compile("[\u3000-\u9fff]")
LANGUAGES = ("zh", "en")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("rule", sorted({*CATALOGUE, *OWN_RULES}))
def test_a_rule_has_a_basis_and_advice_that_hides_nothing(rule: str) -> None:
    text = RULES[rule]
    assert text.basis_zh
    assert text.basis_en
    assert CHINESE.search(text.message_zh)
    assert CHINESE.search(text.advice_zh)
    assert CHINESE.search(text.basis_zh)
    assert not CHINESE.search(text.message_en + text.advice_en + text.basis_en)
    assert re.search(FORBIDDEN_ZH, text.advice_zh) is None
    assert re.search(FORBIDDEN_EN, text.advice_en, re.IGNORECASE) is None


def test_the_forbidden_words_would_be_found() -> None:
    assert re.search(FORBIDDEN_ZH, "请修改MAC地址后重新制作")
    assert re.search(FORBIDDEN_EN, "Wipe the metadata first.", re.IGNORECASE)


def test_both_languages_tell_the_same_facts() -> None:
    differing = {
        rule
        for rule, text in OWN_RULES.items()
        if {one.removesuffix("_zh") for one in placeholders(text.message_zh)}
        != {one.removesuffix("_en") for one in placeholders(text.message_en)}
    }
    assert differing == set()


def test_no_rule_is_defined_twice() -> None:
    assert set(OWN_RULES) & set(CHECKED) == set()


def test_a_finding_is_never_a_verdict() -> None:
    sentences = [one for text in OWN_RULES.values() for one in (text.message_zh, text.advice_zh)]
    assert [one for one in sentences if re.search("构成串通|认定为串通|属于串标|已查实", one)] == []


def test_a_finding_is_as_grave_as_its_case() -> None:
    evidence = (Evidence(Place("price/boq"), None, "LOCK-1"),)
    plain = told("LCK-001", "price/boq", evidence, title="清单", what_zh="甲", what_en="a")
    assert (plain.severity, plain.evidence, plain.subject) == ("warning", evidence, "price/boq")
    hint = told("LCK-001", "price/boq", evidence, "info", title="清单", what_zh="甲", what_en="a")
    assert hint.severity == "info"
    with pytest.raises(KeyError):
        told("LCK-001", "price/boq")


def test_every_threshold_has_a_unit_and_a_source() -> None:
    assert set(ORIGINS) == {field.name for field in msgspec.structs.fields(Thresholds)}
    for origin in ORIGINS.values():
        assert CHINESE.search(origin.unit_zh)
        assert CHINESE.search(origin.source_zh)
        assert origin.unit_en
        assert origin.source_en


def test_thresholds_are_read_from_settings_within_bounds() -> None:
    assert msgspec.toml.decode(b"same_text = 0.7\nblocks = 5", type=Thresholds) == Thresholds(
        same_text=0.7, blocks=5
    )
    assert msgspec.toml.decode(b"", type=Thresholds) == THRESHOLDS
    for wrong in (b"same_text = 1.5", b"blocks = 0", b"price_series = 3", b"unknown = 1"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.toml.decode(wrong, type=Thresholds)


def test_thresholds_have_a_section_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    settings = Settings(self_check=Thresholds(same_text=0.6, price_lines=20))
    write_settings(path, settings)
    assert "[self_check]" in path.read_text("utf-8")
    assert read_settings(path) == settings
    write_settings(path, Settings())
    assert "self_check" not in path.read_text("utf-8")
    path.write_text("[self_check]\nsame_text = 2.0\n", "utf-8")
    with pytest.raises(SettingProblem):
        read_settings(path)


def test_every_rule_is_told_somewhere_and_every_told_rule_exists() -> None:
    sources = Path(__file__).resolve().parents[3].joinpath("bidclient", "similarity").rglob("*.py")
    used = {
        rule for path in sources for rule in re.findall(r'told\(\s*"([A-Z]+-\d{3})"', path.read_text("utf-8"))
    }
    assert used
    assert used <= set(RULES)
    assert set(OWN_RULES) - used == set()

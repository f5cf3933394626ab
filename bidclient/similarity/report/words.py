"""The words of a report in Chinese and English, the same on paper, on the page and in the terminal."""

from dataclasses import dataclass

from bidclient.explain import Language
from bidclient.similarity.report.self_check import Found, Role, SamePassage, Share, Spot

_SEVERITIES = {"blocking": ("高", "high"), "warning": ("中", "medium"), "info": ("低", "low")}
_EXCUSES = {
    "": ("需关注", "look at it"),
    "tender": ("引用招标文件", "quotes the tender"),
    "public": ("法规标准", "law or standard"),
    "template": ("本公司模板", "own template"),
}
_LIKENESSES = {
    "verbatim": ("逐字相同", "verbatim"),
    "numbers": ("仅数字不同", "other figures"),
    "reordered": ("语序不同", "reordered"),
    "reworded": ("改写", "reworded"),
}
_NEARLY = ("几乎逐字相同", "almost verbatim")
_OWNERS = {
    "tender": ("招标文件", "the tender"),
    "public": ("公共文本", "a public text"),
    "template": ("本公司模板", "an own template"),
    "own": ("本单位以往投标文件", "an own earlier bid"),
    "named": ("指定的文件", "a file that was named"),
}
_PLACES = {"device": ("本机", "this computer"), "draft.json": ("报价清单", "price list of the draft")}
"""What evidence is about, where it is no file of its own."""
_ROLES: dict[Role, tuple[str, str]] = {
    "draft": ("投标文件", "draft"),
    "tender": ("招标文件", "tender"),
    "named": ("指定的文件", "named file"),
}


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: Language

    def __call__(self, chinese: str, english: str) -> str:
        """The sentence in this language."""
        return chinese if self.language == "zh" else english

    def severity(self, severity: str) -> str:
        """高, 中, 低."""
        return self(*_SEVERITIES[severity])

    def excuse(self, excuse: str) -> str:
        """Why a passage is in order, or that it wants a look."""
        return self(*_EXCUSES[excuse])

    def role(self, role: Role) -> str:
        """What a file is."""
        return self(*_ROLES[role])

    def owner(self, owner: str) -> str:
        """Whose text a passage is like."""
        return self(*_OWNERS[owner])

    def likeness(self, passage: SamePassage) -> str:
        """How alike two passages are: 改写，相似度 87.0%."""
        nearly = passage.likeness == "verbatim" and passage.similarity < 1000
        kind = self(*(_NEARLY if nearly else _LIKENESSES[passage.likeness]))
        share = f"{passage.similarity / 10:.1f}%"
        return self(f"{kind}，相似度 {share}", f"{kind}, {share} alike")

    def message(self, finding: Found) -> str:
        """What was found."""
        return self(finding.message_zh, finding.message_en)

    def advice(self, finding: Found) -> str:
        """What to do about it."""
        return self(finding.advice_zh, finding.advice_en)

    def basis(self, finding: Found) -> str:
        """The rule that it rests on."""
        return self(finding.basis_zh, finding.basis_en)

    def place(self, spot: Spot) -> str:
        """Where something stands: 技术标/方案.pdf 第 3 页."""
        page = self(f" 第 {spot.page} 页", f", page {spot.page}") if spot.page else ""
        name = self(*_PLACES[spot.document]) if spot.document in _PLACES else spot.document
        return f"{name}{page}"

    def also(self, passage: SamePassage) -> str:
        """In how many further texts the passage stands; empty for none."""
        count = passage.also_in
        return self(f"，另见于 {count} 份文件", f", also in {count} more") if count else ""


def percent(part: int, whole: int) -> str:
    """A share in percent with one digit: 12.3%."""
    return f"{100 * part / whole:.1f}%" if whole else "0.0%"


def share_row(share: Share) -> tuple[str, str, str, str]:
    """The shares that count, and that quote the tender, public texts, own templates."""
    parts = (share.counted, share.tender, share.public, share.template)
    counted, tender, public, template = (percent(part, share.characters) for part in parts)
    return counted, tender, public, template

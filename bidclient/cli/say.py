"""How results look to a person, in Chinese or English: one function for each type of result."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch

from bidclient.errors import BidError
from bidclient.explain import Language, explain, in_words
from bidclient.formats.instant import CHINA
from bidclient.formats.money import yuan_text
from bidclient.stages.evidence import Verdict


@dataclass(frozen=True)
class Say:
    """Picks the language of a sentence."""

    language: Language

    def __call__(self, chinese: str, english: str) -> str:
        """The sentence in the language that was asked for."""
        return chinese if self.language == "zh" else english

    def stage(self, stage: str) -> str:
        """The name of a stage."""
        return self(_STAGES_ZH.get(stage, stage), stage)

    def verdict(self, verdict: str) -> str:
        """One of the three values."""
        return self(_VERDICTS_ZH.get(verdict, verdict), verdict)

    def reason(self, reason: str, error: BidError | None = None) -> str:
        """Why something is as it is: the words for `error`, if it was made from one; times as in China."""
        if error is not None:
            said = explain(error, self.language)
            return f"{said.title}{self('：', ': ')}{self.in_china(said.cause)}"
        return self.in_china(in_words(reason, self.language))

    def in_china(self, text: str) -> str:
        """A text with each time in it as people read it, in the zone of China."""
        return _INSTANT.sub(lambda found: _in_china(found[0], self), text)


_STAGES_ZH = {
    "tender": "招标文件",
    "draft": "编制",
    "package": "已固化",
    "signed": "已签章",
    "sealed": "已加密",
    "submitted": "已递交",
    "opened": "已解密开标",
}
_VERDICTS_ZH = {"valid": "有效", "invalid": "无效", "cannot-tell": "无法判断"}
_ASPECTS_ZH = {
    "signature and documents": "签名与附件",
    "signer": "签名人",
    "documents": "文件",
    "documents and signatures": "文件与签名",
    "signers and timestamps": "签名人与时间戳",
    "against its stub": "与存证文件核对",
    "signature and frame": "签名与结构",
    "signature": "签名",
    "signer and timestamp": "签名人与时间戳",
    "our own digests": "与本地摘要核对",
    "chain": "哈希链",
    "revocation": "吊销状态",
    "seal": "签章与覆盖范围",
    "timestamp": "时间戳",
    "electronic seal": "电子印章",
    "seal maker": "制章单位",
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d")

Lines = Iterable[str]


@singledispatch
def lines_of(value: object, say: Say) -> Lines:
    """The lines that show a result. A result type without a registered function is shown by its fields."""
    return [f"{name}: {content}" for name, content in vars(value).items()]


@lines_of.register
def _(value: tuple, say: Say) -> Lines:  # type: ignore[type-arg] # singledispatch takes plain classes only
    return [line for one in value for line in lines_of(one, say)]


@lines_of.register
def _(value: list, say: Say) -> Lines:  # type: ignore[type-arg] # as above
    return [line for one in value for line in lines_of(one, say)]


@lines_of.register
def _verdict(value: Verdict, say: Say) -> Lines:
    name, found, aspect = value.item.partition(": ")
    item = f"{name} {say(_ASPECTS_ZH.get(aspect, aspect), aspect)}" if found else name
    yield f"  [{say.verdict(value.verdict)}] {item}: {say.reason(value.reason, value.error)}"


def _in_china(instant: str, say: Say) -> str:
    try:
        moment = datetime.fromisoformat(instant).astimezone(CHINA)
    except ValueError:
        return instant
    return f"{moment:%Y-%m-%d %H:%M:%S}" + say("（北京时间）", " UTC+8")


def size_text(count: int) -> str:
    """A size in bytes for people: 1536 → "1.5 KiB"."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{count} B"


def money_text(fen: int | None, say: Say) -> str:
    """An amount in yuan, or a word for none."""
    return say("未填写", "not set") if fen is None else f"¥{yuan_text(fen)}"


def table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns with the left one padded; Chinese characters count as two."""
    pairs = list(rows)
    longest = max((display_width(left) for left, _ in pairs), default=0)
    return [f"{left}{' ' * (longest - display_width(left))}  {right}" for left, right in pairs]


def display_width(text: str) -> int:
    """How many columns a text takes in a terminal."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)

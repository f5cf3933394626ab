"""How results look to a person, in Chinese or English: one function for each type of result."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

from bidclient.cli.proofs import proof_zh
from bidclient.explain import Language
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

    def reason(self, reason: str) -> str:
        """Why an artefact is stale, or a verdict is what it is; what is not known stays as it is."""
        head, _, rest = reason.partition(": ")
        known = _REASONS_ZH.get(reason)
        if known is None and head in _REASONS_ZH:
            known = f"{_REASONS_ZH[head]}：{proof_zh(rest)}"
        return self(known or proof_zh(reason), reason)


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
}
_REASONS_ZH = {
    "made from what has changed since": "所依据的内容后来有改动",
    "incomplete": "不完整",
    "answers another version of the tender": "对应的是另一版招标文件",
    "the draft was edited since": "固化后又修改过内容",
    "signed over another package": "签的是另一次固化的内容",
    "sealed from another signed bid": "加密的是另一份签章文件",
    "rehearsed with another sealed bid": "试解密的是另一份加密文件",
    "never opened as a whole": "没有完整试解密过",
    "no trading network is set, so nobody is trusted": "设置中没有交易网络，无从判断可信的签发者",
    "the file carries no signature": "文件没有签章",
    "there is no stub beside it": "旁边没有存证文件，只看得出结构完好",
    "expired": "已过期",
    "not yet valid": "尚未生效",
    "unknown issuer": "不认识的签发者",
    "revoked": "已被吊销",
    "no-address": "证书和设置都没有给出查询地址",
    "unreachable": "查询服务连接不上",
    "stale": "查询到的答复已过期",
    "clock": "本机时间与查询服务不一致，请校准本机时间",
    "unknown": "查询服务不认识这张证书",
    "bad-answer": "查询到的答复不可信",
    "no-chain": "无法确认签发者",
    "unproven-time": "没有时间戳证明签名早于吊销",
}
"""Of stages that do not follow from one another (store.state), and where nobody is trusted."""

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
    yield f"  [{say.verdict(value.verdict)}] {item}: {say.reason(value.reason)}"


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

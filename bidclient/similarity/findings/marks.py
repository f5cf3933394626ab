"""What in a text belongs to one person or company only: names in office, numbers, addresses, accounts.

They are compared and kept as keyed digests, and shown with most of their characters hidden.
"""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bidclient.formats.citizen_id import is_citizen_id

Kind = Literal["person", "mobile", "telephone", "identity", "email", "account"]
KIND_NAMES: dict[Kind, tuple[str, str]] = {
    "person": ("人员姓名", "name"),
    "mobile": ("手机号码", "mobile number"),
    "telephone": ("电话号码", "telephone number"),
    "identity": ("身份证号码", "identity number"),
    "email": ("电子邮箱", "e-mail address"),
    "account": ("银行账号", "bank account"),
}

_WIDE = {0xFF01 + place: 0x21 + place for place in range(94)} | {0x3000: 0x20}
"""Full-width characters as narrow ones: one for one, so that offsets stay."""
_OFFICES = (
    "项目经理|项目负责人|项目总监|总监理工程师|技术负责人|项目总工程师|项目总工|安全负责人|安全员|质检员|施工员|"
    "造价工程师|建造师|法定代表人|委托代理人|授权委托人|被授权人|授权代表|投标联系人|联系人|姓名"
)
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌"
    "马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚"
    "邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆"
    "高夏蔡田樊胡凌霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於"
    "惠甄曲家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖武符刘景詹束"
    "龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍璩桑桂"
    "濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙"
    "东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公仉督"
    "岳帅缑亢况郈有琴归海晋楚闫法汝鄢涂钦商牟佘佴伯赏墨哈谯笪年爱阳佟言福肖覃邸尉迟占代冼"
)
_NOT_NAMES = re.compile(
    r"(?:签[字名章]|盖章|或其|姓名|电话|职务|单位|公司|年龄|性别|身份|证书|应当|必须|负责|变更|任命|资格)"
)
_PERSON = re.compile(
    rf"(?:{_OFFICES})(?:姓名)?[ \t]*+(?:\([^()\n]{{1,12}}\))?+[ \t]*+[:][ \t_]*"
    rf"([{_SURNAMES}](?:[ \t]{{1,4}})?[\u4e00-\u9fff]{{1,3}})(?![\u4e00-\u9fff])"
)
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[ -]?)?(1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?![\d.]\d|\d)")
_TELEPHONE = re.compile(r"(?<![\d-])(0\d{2,3}[ -]{1,3}[2-9]\d{6,7})(?![\d-]\d|\d)")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{16}[\dXx])(?![0-9A-Za-z])")
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])([A-Za-z0-9][A-Za-z0-9_.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,12})"
    r"(?![A-Za-z0-9_-])"
)
_LABELLED = re.compile(r"[账帐][ \t]*(?:户[ \t]*)?号(?:码)?[ \t]*[:][ \t_]*(\d(?:[ \t-]?\d){7,29})(?!\d)")
_CARD = re.compile(r"(?<!\d)(62\d{2}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?)(?!\d)")
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("person", _PERSON),
    ("identity", _IDENTITY),
    ("account", _LABELLED),
    ("account", _CARD),
    ("mobile", _MOBILE),
    ("telephone", _TELEPHONE),
    ("email", _EMAIL),
)
_MOST = 20_000
"""Of one text: no bid names more, and a made-up one shall not fill the memory."""


@dataclass(frozen=True)
class Mark:
    """Characters `start` to `end` of a text are a mark of this kind. Its value is never printed."""

    kind: Kind
    value: str
    start: int
    end: int

    def __repr__(self) -> str:
        return f"Mark({self.kind}, {self.mask}, {self.start}, {self.end})"

    @property
    def mask(self) -> str:
        """The value as it may be shown: 138****1234, 张**, a***@example.com."""
        if self.kind == "person":
            return self.value[0] + "*" * (len(self.value) - 1)
        if self.kind == "email":
            name, _, domain = self.value.partition("@")
            return f"{name[0]}***@{domain}"
        head = 3 if self.kind == "mobile" else 0
        return f"{self.value[:head]}****{self.value[-4:]}"

    def digest(self, key: bytes) -> str:
        """Hex HMAC-SHA-256 by which it is recognised again; `key` is the data folder's own secret."""
        return hmac.digest(key, f"{self.kind}:{self.value}".encode(), "sha256").hex()


def marks(text: str) -> tuple[Mark, ...]:
    """All marks in a text, in its order, none inside another."""
    taken: list[Mark] = []
    narrow = text.translate(_WIDE)
    for kind, pattern in _PATTERNS:
        taken += _found(kind, pattern, narrow)
    ordered: list[Mark] = []
    # Where two overlap, the longer one counts: an identity number holds what looks like a mobile number.
    for mark in sorted(taken, key=lambda one: (one.start, one.start - one.end)):
        if not ordered or mark.start >= ordered[-1].end:
            ordered.append(mark)
    return tuple(ordered[:_MOST])


def _found(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Mark]:
    for match in pattern.finditer(text):
        value = _value(kind, match[1])
        if _counts(kind, pattern, value):
            yield Mark(kind, value, match.start(1), match.end(1))


def _value(kind: Kind, text: str) -> str:
    if kind == "email":
        return text.lower()
    return "".join(filter(str.isalnum, text)).upper()


def _counts(kind: Kind, pattern: re.Pattern[str], value: str) -> bool:
    if kind == "person":
        return _NOT_NAMES.search(value) is None
    if kind == "identity":
        return is_citizen_id(value)
    return pattern is not _CARD or _luhn(value)


def _luhn(figures: str) -> bool:
    """The check figure of a bank card (ISO/IEC 7812-1, annex B)."""
    doubled = (int(one) * (1 + place % 2) for place, one in enumerate(reversed(figures)))
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0

"""Is the opening form (开标一览表) filled in, and is the bidder named as the law knows it?"""

from collections.abc import Iterator
from decimal import Decimal

from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.errors import BadValue
from bidclient.formats.codes import uscc_problem
from bidclient.formats.field import bidder_value, field_value
from bidclient.formats.money import is_fen
from bidclient.stages.draft import Draft
from bidclient.stages.tender import FormField, Tender

_WHOLE = 100
_BIDDER = (
    ("name", "投标人名称", True),
    ("uscc", "统一社会信用代码", True),
    ("legal_representative", "法定代表人", True),
    ("agent", "委托代理人", False),
    ("phone", "联系电话", False),
)


def check_forms(draft: Draft, tender: Tender) -> list[Finding]:
    """Fields that are missing, unknown or not in the form that files keep; the bidder's data."""
    return [*_bidder(draft), *_form(draft, tender)]


def _bidder(draft: Draft) -> Iterator[Finding]:
    for field, title, required in _BIDDER:
        value = getattr(draft.bidder, field)
        name = f"bidder.{field}"
        if required and not value:
            yield found("FRM-001", name, title=title)
        try:
            if bidder_value(name, value) != value:
                yield found(
                    "FRM-002", name, title=title, reason="与保存格式不符 (not in the form that is kept)"
                )
        except BadValue as error:
            yield found("FRM-002", name, title=title, reason=error.reason)
    if uscc_problem(draft.bidder.uscc) in ("organisation", "check"):
        yield found("FRM-003", "bidder.uscc")


def _form(draft: Draft, tender: Tender) -> Iterator[Finding]:
    fields = {field.name: field for field in tender.form}
    for field in tender.form:
        if field.required and not draft.form.get(field.name):
            yield found("FRM-001", field.name, title=field.title)
    for name, value in draft.form.items():
        if name not in fields:
            yield found("FRM-004", name)
        elif value and not _is_kept_form(fields[name], value):
            reason = f"不是 {fields[name].type} 类型的值 (not of type {fields[name].type})"
            yield found("FRM-002", name, title=fields[name].title, reason=reason)
        elif value and fields[name].type == "percent" and not 0 <= Decimal(value) < _WHOLE:
            yield found("FRM-008", name, title=fields[name].title, value=value)


def _is_kept_form(field: FormField, value: str) -> bool:
    if field.type == "money":
        return is_fen(value) and str(int(value)) == value
    try:
        return field_value(field.name, field.type, field.max_length, value) == value
    except BadValue:
        return False

"""Reading a record so that writing it again gives the same bytes: its digest can then be made from either."""

from typing import TypeVar

import msgspec

from bidclient.errors import NotCanonical
from bidclient.formats import canonical

_T = TypeVar("_T", bound=msgspec.Struct)


def read_record(data: bytes, kind: type[_T], what: str) -> _T:
    """The record in canonical JSON `data`, which must spell out every field, also those that have defaults.

    Raises NotCanonical, BadFormat.
    """
    record = canonical.loads(data, kind, what)
    if canonical.dumps(record) != data:
        raise NotCanonical(what, "a field is left out")
    return record

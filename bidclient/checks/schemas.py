"""JSON Schemas (2020-12) of our files and statements, made from the records for strangers to check with.

Those of all records are written by similarity/report/schemas.py.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from bidclient.formats.bseal import Header
from bidclient.stages.chain import AcknowledgedHead, Event
from bidclient.stages.draft import Draft
from bidclient.stages.opened import (
    ConfirmStatement,
    ObjectionStatement,
    Readout,
    ReleaseStatement,
    SignInStatement,
)
from bidclient.stages.package import Manifest
from bidclient.stages.stub import Stub
from bidclient.stages.submitted import FinalizeStatement, LoginStatement, Receipt, WithdrawStatement
from bidclient.stages.tender import FormField, Tender

RECORDS: dict[str, type[msgspec.Struct]] = {
    "tender": Tender,
    "draft": Draft,
    "manifest": Manifest,
    "sealed-header": Header,
    "stub": Stub,
    "receipt": Receipt,
    "login": LoginStatement,
    "finalize": FinalizeStatement,
    "withdraw": WithdrawStatement,
    "sign-in": SignInStatement,
    "release": ReleaseStatement,
    "confirm": ConfirmStatement,
    "objection": ObjectionStatement,
    "acknowledgement": AcknowledgedHead,
    "event": Event,
    "readout": Readout,
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KEPT_FORMS = {
    "text": {},
    "person": {},
    "money": {"pattern": "^[0-9]{1,16}$", "description": "fen"},
    "days": {"pattern": "^[1-9][0-9]{0,4}$"},
    "percent": {"pattern": r"^-?[0-9]{1,3}(\.[0-9]{1,4})?$"},
    "date": {"format": "date"},
}


def schemas(records: Mapping[str, type[msgspec.Struct]] = RECORDS) -> dict[str, bytes]:
    """The schema file of each record, by its name under resources/schemas."""
    return {f"{name}.json": _record_schema(name, record) for name, record in records.items()}


def form_schema(fields: tuple[FormField, ...]) -> bytes:
    """The schema of the `form` of drafts and manifests that answer a tender with these fields."""
    properties = {
        field.name: {
            "title": field.title,
            "type": "string",
            "minLength": 1,
            "maxLength": field.max_length,
            **_KEPT_FORMS[field.type],
        }
        for field in fields
    }
    return _file(
        {
            "$schema": _DIALECT,
            "title": "form",
            "type": "object",
            "properties": properties,
            "required": [field.name for field in fields if field.required],
            "additionalProperties": False,
        }
    )


def _record_schema(name: str, record: type[msgspec.Struct]) -> bytes:
    schema = msgspec.json.schema(record, ref_template="#/$defs/{name}")
    for definition in schema["$defs"].values():
        # A file spells out every field, also those that have a default in the program; what it may leave out
        # has none there.
        properties = definition.get("properties", {})
        kept = {
            *definition.get("required", ()),
            *(n for n, value in properties.items() if "default" in value),
        }
        definition["required"] = [name for name in properties if name in kept]
        for value in definition.get("properties", {}).values():
            value.pop("default", None)
    return _file({"$schema": _DIALECT, "title": name, **schema})


def _file(schema: dict[str, Any]) -> bytes:
    return (json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")

"""The committed schemas are those of the records, and a stock validator agrees with us about real files."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from bidclient import resource
from bidclient.checks.schemas import form_schema, schemas
from bidclient.formats import canonical
from bidclient.similarity.report.schemas import ALL_RECORDS, write
from bidclient.stages.draft import Draft
from tests.support.bids import make_draft, make_package, make_pki, make_tender, tender_record


def validator(schema: bytes) -> jsonschema.Draft202012Validator:
    plain = json.loads(schema)
    jsonschema.Draft202012Validator.check_schema(plain)
    return jsonschema.Draft202012Validator(plain)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("files")
    tender = make_tender(folder, make_pki())
    records = {
        "tender": tender.tender,
        "draft": make_draft(folder, tender)[0],
        "manifest": make_package(folder, tender).manifest,
    }
    return {name: json.loads(canonical.dumps(record)) for name, record in records.items()}


@pytest.mark.parametrize("name", [f"{name}.json" for name in ALL_RECORDS])
def test_what_is_committed_is_what_is_generated(name: str) -> None:
    assert resource.read_bytes(f"schemas/{name}") == schemas(ALL_RECORDS)[name]


def test_nothing_else_is_committed(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in resource.find("schemas").iterdir()
    }


@pytest.mark.parametrize("name", ["tender", "draft", "manifest"])
def test_a_stock_validator_accepts_real_files(files: dict[str, Any], name: str) -> None:
    judge = validator(schemas()[f"{name}.json"])
    judge.validate(files[name])
    for wrong in ({**files[name], "more": 1}, {**files[name], "version": 2}, {**files[name], "lot": 1}):
        assert not judge.is_valid(wrong)
    for field in files[name]:
        assert not judge.is_valid({key: value for key, value in files[name].items() if key != field})


def test_the_form_of_a_complete_draft_fits_its_schema(files: dict[str, Any]) -> None:
    fields = tender_record(make_pki()).form
    judge = validator(form_schema(fields))
    form = msgspec.convert(files["draft"], Draft).form
    judge.validate(form)
    for wrong in ({**form, "total-price": "1.5"}, {**form, "duration": "0"}, {**form, "x": "1"}, {}):
        assert not judge.is_valid(wrong)

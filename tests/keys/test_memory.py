"""What is remembered of token models: for that model only, and never more than a memory."""

from pathlib import Path

import msgspec
import pytest

from bidclient.keys.dialect import Dialect, OpeningWay, SigningWay
from bidclient.keys.memory import Memory, Model

MODEL = Model("00" * 32, "某厂商", "一号", "1.0")
DIALECT = Dialect(SigningWay(0x80008104, "e", "der"), OpeningWay(0x80008200, "04-C1C3C2"))


def test_what_is_kept_is_recalled_by_another_run(tmp_path: Path) -> None:
    Memory(tmp_path / "new").keep(MODEL, DIALECT)
    assert Memory(tmp_path / "new").recall(MODEL) == DIALECT


@pytest.mark.parametrize(
    "change", [{"module": "11" * 32}, {"manufacturer": "别家"}, {"model": "二号"}, {"firmware": "1.1"}]
)
def test_another_model_library_or_firmware_is_another_matter(tmp_path: Path, change: dict[str, str]) -> None:
    memory = Memory(tmp_path)
    memory.keep(MODEL, DIALECT)
    other = msgspec.structs.replace(MODEL, **change)
    assert memory.recall(other) == Dialect()
    memory.keep(other, Dialect())
    assert memory.recall(MODEL) == DIALECT


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff\xfe", b'{"model": 1, "dialect": {}}', b'{"model": {"module": "\xff"}}']
)
def test_a_damaged_page_is_forgotten_and_written_anew(tmp_path: Path, content: bytes) -> None:
    memory = Memory(tmp_path)
    memory.keep(MODEL, DIALECT)
    (page,) = tmp_path.iterdir()
    page.write_bytes(content)
    assert memory.recall(MODEL) == Dialect()
    memory.keep(MODEL, DIALECT)
    assert memory.recall(MODEL) == DIALECT


def test_a_page_under_another_models_name_is_not_believed(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep(MODEL, DIALECT)
    (page,) = tmp_path.iterdir()
    other = msgspec.structs.replace(MODEL, firmware="2.0")
    memory.keep(other, Dialect())
    (new,) = set(tmp_path.iterdir()) - {page}
    new.write_bytes(page.read_bytes())
    assert memory.recall(other) == Dialect()


def test_without_a_folder_or_a_disk_that_writes_nothing_is_remembered(tmp_path: Path) -> None:
    Memory(None).keep(MODEL, DIALECT)
    assert Memory(None).recall(MODEL) == Dialect()
    occupied = tmp_path / "file"
    occupied.write_bytes(b"")
    Memory(occupied).keep(MODEL, DIALECT)
    assert Memory(occupied).recall(MODEL) == Dialect()
    assert list(tmp_path.iterdir()) == [occupied]

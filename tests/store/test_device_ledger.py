"""The ledger keeps every entry, tells whatever was done to it, and goes on beside what is damaged."""

import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bidclient.errors import DiskProblem
from bidclient.similarity.findings.device import DeviceUse
from bidclient.store.device_ledger import DeviceLedger
from bidclient.store.local_key import local_key
from bidclient.store.lock import locked

FIRST = "001-uses.jsonl"


def use(number: int) -> DeviceUse:
    marks: dict[str, frozenset[str]] = {
        kind: frozenset() for kind in ("mac", "disk", "board", "cpu", "host", "lock")
    } | {
        "mac": frozenset({"aa" * 16, "bb" * 16}),
        "host": frozenset({"cc" * 16}),
    }
    at = f"2026-11-20T09:00:{number:02d}.000+08:00"
    return DeviceUse(
        at, "packed", "91620000MA7ABCDE1X", "net", "P1", f"lot-{number}", marks, f"code-{number}"
    )


def ledger(folder: Path) -> DeviceLedger:
    return DeviceLedger(folder / "data" / "device-ledger", folder / "settings" / "ends.json")


def filled(folder: Path, count: int = 3) -> Path:
    for number in range(count):
        ledger(folder).append(use(number))
    return folder / "data" / "device-ledger" / FIRST


def lots(folder: Path) -> list[str]:
    return [one.lot for one in ledger(folder).read().uses]


def test_what_is_appended_comes_back(tmp_path: Path) -> None:
    assert ledger(tmp_path).read().uses == ()
    path = filled(tmp_path)
    found = ledger(tmp_path).read()
    assert found.uses == tuple(use(number) for number in range(3))
    assert found.damage == ()
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix] == [FIRST]


def changed(path: Path, folder: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"lot-1", b"lot-7"))


def cut(path: Path, folder: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def emptied(path: Path, folder: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path, folder: Path) -> None:
    path.unlink()


def replaced(path: Path, folder: Path) -> None:
    filled(folder / "elsewhere", 2)
    ledger(folder / "elsewhere").append(use(9))
    path.write_bytes((folder / "elsewhere" / "data" / "device-ledger" / FIRST).read_bytes())


def without_ends(path: Path, folder: Path) -> None:
    (folder / "settings" / "ends.json").unlink()


def spoilt_ends(path: Path, folder: Path) -> None:
    (folder / "settings" / "ends.json").write_bytes(b"{}")


@pytest.mark.parametrize(
    ("harm", "left", "word"),
    [
        (changed, ["lot-0", "lot-7", "lot-2"], "第 3 行"),
        (cut, ["lot-0", "lot-1"], "最后 1 条"),
        (emptied, [], "最后 3 条"),
        (removed, [], "不见了"),
        (replaced, ["lot-0", "lot-1", "lot-9"], "另一份"),
        (without_ends, ["lot-0", "lot-1", "lot-2"], "没有记录"),
        (spoilt_ends, ["lot-0", "lot-1", "lot-2"], "已损坏"),
    ],
)
def test_harm_is_told_for_ever_and_new_entries_go_elsewhere(
    tmp_path: Path, harm: Callable[[Path, Path], None], left: list[str], word: str
) -> None:
    path = filled(tmp_path)
    harm(path, tmp_path)
    found = ledger(tmp_path).read()
    assert word in found.damage[0][0]
    assert [one.lot for one in found.uses] == left
    content = path.read_bytes() if path.exists() else None
    ledger(tmp_path).append(use(20))
    ledger(tmp_path).append(use(21))
    again = ledger(tmp_path).read()
    assert [one.lot for one in again.uses] == [*left, "lot-20", "lot-21"]
    assert again.damage
    assert (path.read_bytes() if path.exists() else None) == content


def test_a_line_that_a_kill_has_torn_is_no_harm(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"at":"2026')
    assert ledger(tmp_path).read().damage == ()
    ledger(tmp_path).append(use(4))
    assert lots(tmp_path) == ["lot-0", "lot-1", "lot-2", "lot-4"]
    assert ledger(tmp_path).read().damage == ()


def test_an_entry_that_a_kill_has_kept_from_being_counted_is_no_harm(tmp_path: Path) -> None:
    filled(tmp_path)
    ends = (tmp_path / "settings" / "ends.json").read_bytes()
    ledger(tmp_path).append(use(3))
    (tmp_path / "settings" / "ends.json").write_bytes(ends)
    assert ledger(tmp_path).read().damage == ()
    first = tmp_path / "first"
    filled(first, 1)
    (first / "settings" / "ends.json").unlink()
    assert (ledger(first).read().damage, lots(first)) == ((), ["lot-0"])


def test_several_write_at_once_and_none_is_lost(tmp_path: Path) -> None:
    threads = [threading.Thread(target=ledger(tmp_path).append, args=(use(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lots(tmp_path)) == sorted(f"lot-{number}" for number in range(8))
    assert ledger(tmp_path).read().damage == ()


def test_there_is_no_verb_that_takes_an_entry_back() -> None:
    assert {name for name in vars(DeviceLedger) if not name.startswith("_")} == {"read", "append"}


def test_the_key_of_this_account_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    key = local_key(tmp_path / "data")
    assert len(key) == 32
    assert local_key(tmp_path / "data") == key
    assert local_key(tmp_path / "other") != key
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "data" / "local.key").stat().st_mode) == 0o600


def test_a_spoilt_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "local.key").write_bytes(b"short")
    with pytest.raises(DiskProblem) as caught:
        local_key(tmp_path)
    assert "short" not in str(caught.value)
    assert (tmp_path / "local.key").read_bytes() == b"short"


def test_a_key_is_made_by_one_while_the_other_waits(tmp_path: Path) -> None:
    keys: list[bytes] = []
    with locked(tmp_path):
        threads = [threading.Thread(target=lambda: keys.append(local_key(tmp_path))) for _ in range(4)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1

"""What was said and answered for a bid: our signed statements and the network's receipts, in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidclient.errors import DiskProblem
from bidclient.formats import atomic
from bidclient.stages.submitted import SignedReceipt, read_receipt
from bidclient.store.numbered import new_folder, new_place, next_number, numbered

RECEIPT_NAMES = ("receipt.json", "receipt.p7s", "receipt.tsr", "receipt.pdf")


@dataclass(frozen=True)
class KeptReceipt:
    """A receipt as it lies in receipts/NNN/."""

    folder: Path
    receipt: SignedReceipt


class Records:
    """statements/NNN-kind.p7s and receipts/NNN/ of one bid folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._receipts = path / "receipts"
        self._statements = path / "statements"

    def keep_receipt(self, files: Mapping[str, bytes]) -> bool:
        """Keep a verified receipt in receipts/NNN/, with copies beside the bid; False for one known before.

        `files` are named as RECEIPT_NAMES. Raises BadReceipt, DiskProblem.
        """
        receipt = read_receipt(files["receipt.p7s"])
        is_new = all(known.receipt.sha256 != receipt.sha256 for known in self.receipts())
        if is_new:
            new_folder(self._receipts, lambda folder: _write_all(folder, files))
        self.refresh_copies()
        return is_new

    def receipts(self) -> list[KeptReceipt]:
        """Every receipt that was ever kept, oldest first.

        Raises BadReceipt for one that was damaged, DiskProblem for one that cannot be read.
        """
        return [
            KeptReceipt(folder, read_receipt(_content(folder / "receipt.p7s")))
            for folder in numbered(self._receipts)
        ]

    def before(self, receipt_sha256: str) -> SignedReceipt | None:
        """The receipt that was kept before this one, which may be new; None for the first."""
        earlier = None
        for kept in self.receipts():
            if kept.receipt.sha256 == receipt_sha256:
                break
            earlier = kept.receipt
        return earlier

    def keep_statement(self, kind: str, statement: bytes) -> Path:
        """Keep a signed statement as statements/NNN-kind.p7s, before it is sent. Raises DiskProblem."""
        new_place(self._statements)
        path = self._statements / f"{next_number(self._statements)}-{kind}.p7s"
        atomic.write(path, statement)
        return path

    def statements(self, kind: str) -> list[Path]:
        """The statements of one kind, oldest first."""
        return numbered(self._statements, f"-{kind}.p7s")

    def refresh_copies(self) -> None:
        """Make receipt.* beside the bid equal to the newest receipt, as a kill may have prevented."""
        kept = numbered(self._receipts)
        for name in RECEIPT_NAMES if kept else ():
            content, copy = _content(kept[-1] / name), self._path / name
            if not copy.is_file() or _content(copy) != content:
                atomic.write(copy, content)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DiskProblem(str(file), error.strerror or str(error)) from error


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    for name in RECEIPT_NAMES:
        atomic.write(folder / name, files[name])

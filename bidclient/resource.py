"""The one reader of data files: `resources/` of the checkout, `bidclient/resources` when installed."""

from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

_INSTALLED = files("bidclient") / "resources"
_CHECKOUT = Path(__file__).resolve().parent.parent / "resources"


def find(relative: str) -> Traversable:
    """A data file by its path under resources/, for example "schemas/stub.json".

    Raises FileNotFoundError when there is no such file and ValueError for a path that leaves the folder.
    """
    if relative.startswith("/") or ".." in relative.split("/"):
        raise ValueError(relative)
    for root in (_INSTALLED, _CHECKOUT):
        node: Traversable = root
        for step in relative.split("/"):
            node = node / step
        if node.is_file() or node.is_dir():
            return node
    raise FileNotFoundError(relative)


def read_bytes(relative: str) -> bytes:
    """The content of a data file."""
    return find(relative).read_bytes()


__all__ = ["as_file", "find", "read_bytes"]

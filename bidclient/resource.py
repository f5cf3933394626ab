"""The one reader of data files: `resources/` of the checkout, `bidclient/resources` when installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# Plain paths: importlib.resources loads longer, and the libraries in C forbid a package inside a ZIP anyway.
_ROOTS = (_PACKAGE / "resources", _PACKAGE.parent / "resources")


def find(relative: str) -> Path:
    """A data file or folder by its path under resources/, for example "schemas/stub.json".

    Raises FileNotFoundError when there is no such file and ValueError for a path that leaves the folder.
    """
    if relative.startswith("/") or ".." in relative.split("/"):
        raise ValueError(relative)
    for root in _ROOTS:
        node = root / relative
        if node.exists():
            return node
    raise FileNotFoundError(relative)


def read_bytes(relative: str) -> bytes:
    """The content of a data file."""
    return find(relative).read_bytes()

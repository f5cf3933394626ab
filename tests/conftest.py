"""Slow folders come first, so that at the end of a run no process waits long for the other."""

import pytest

_SLOWEST_FIRST = ("journey", "cli", "keys", "desk", "sandbox", "hostile", "network", "store")


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(item.config.rootpath).parts[1]
    return _SLOWEST_FIRST.index(folder) if folder in _SLOWEST_FIRST else len(_SLOWEST_FIRST)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by folder; within one the order stays as random as it is."""
    items.sort(key=_turn)

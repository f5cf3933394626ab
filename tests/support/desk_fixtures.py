"""Fixtures: a running sandbox, and a bidder who sits at a desk before it; conftest files import them."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.desks import Bidder, make_bidder
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests that leave its clock alone; each takes a lot of its own."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), samples="") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: Sandbox) -> Iterator[Bidder]:
    """The company that all tests bid for, its keys, its settings, and the bids that they take copies of."""
    made = make_bidder(tmp_path_factory.mktemp("company"), shared_sandbox)
    with made.desk:
        made.make_templates()
        yield made


@pytest.fixture
def bidder(tmp_path: Path, company: Bidder) -> Iterator[Bidder]:
    """The company with an empty folder; faults that the test has switched on end with it."""
    shutil.copytree(company.folder / "home", tmp_path / "home")
    yield replace(company, folder=tmp_path)
    for name in company.sandbox.control("faults")["active"]:
        company.sandbox.fault(name, 0)


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, to move its clock and to kill it."""
    with running_sandbox(tmp_path / "sandbox", samples="") as sandbox:
        yield sandbox


@pytest.fixture
def lone_bidder(tmp_path: Path, own_sandbox: Sandbox) -> Iterator[Bidder]:
    """A bidder of the test's own sandbox."""
    made = make_bidder(tmp_path, own_sandbox)
    with made.desk:
        yield made

"""One sandbox for each file of journeys; each journey takes its own lot and sets the clock for itself."""

from collections.abc import Iterator

import pytest

from bidclient.network.clock import system_now
from tests.support.demonstration import demonstration
from tests.support.sandbox import Sandbox, running_sandbox

__all__ = ["demonstration", "network", "sandbox"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox without lots."""
    with running_sandbox(tmp_path_factory.mktemp("network"), samples="") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(network: Sandbox) -> Sandbox:
    """The sandbox with its clock as this machine's, and without faults."""
    network.set_clock(system_now(), 1)
    for name in network.control("faults")["active"]:
        network.fault(name, 0)
    return network

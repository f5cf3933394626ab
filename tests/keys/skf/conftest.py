"""The SKF test library in its four layouts, and a device that a test may ruin."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from bidclient.keys.child import Deadlines
from bidclient.keys.frames import NO_HINT, Hint
from bidclient.keys.token import TokenSource
from tests.support.skf_token import (
    Layout,
    MakeSkfSource,
    SkfDevice,
    skf_device,
    skf_library,
    skf_source,
)
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey


@pytest.fixture(scope="session")
def library_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Layout], Path]:
    """The library of a layout, compiled when it is first asked for."""
    return cache(partial(skf_library, tmp_path_factory.mktemp("skf-module")))


@pytest.fixture(scope="session")
def signing(sm2_authority: Sm2Authority) -> Sm2InMemoryKey:
    return sm2_authority.issue("signing")


@pytest.fixture(scope="session")
def encryption(sm2_authority: Sm2Authority) -> Sm2InMemoryKey:
    return sm2_authority.issue("encryption")


@pytest.fixture
def device(tmp_path: Path, signing: Sm2InMemoryKey, encryption: Sm2InMemoryKey) -> SkfDevice:
    return skf_device(tmp_path / "devices" / "KEY1", "SKF-0001", signing, encryption)


@pytest.fixture
def make(device: SkfDevice, library_of: Callable[[Layout], Path]) -> Iterator[MakeSkfSource]:
    """make(layout=(4, 1), hint=…, deadlines=None, **environment): `device` behind a key host of its own."""
    made: list[TokenSource] = []

    def source(
        layout: Layout = (4, 1),
        hint: Hint = NO_HINT,
        deadlines: Deadlines | None = None,
        **environment: str,
    ) -> TokenSource:
        given = {**device.environment, **environment}
        made.append(skf_source(library_of(layout), given, hint, deadlines))
        return made[-1]

    yield source
    for one in made:
        one.close()

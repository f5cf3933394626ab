"""The rows of vendor libraries are readable, absolute and listed once."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from bidclient.keys.modules import Module, all_modules, known_modules


@pytest.mark.parametrize(
    ("platform", "pure"), [("linux", PurePosixPath), ("darwin", PurePosixPath), ("win32", PureWindowsPath)]
)
def test_every_row_reads_on_every_system_and_its_paths_are_absolute(
    platform: str, pure: type[PurePosixPath | PureWindowsPath]
) -> None:
    modules = known_modules(platform)
    assert {"SoftHSM2", "OpenSC"} <= {module.name for module in modules}
    paths = [path for module in modules for path in module.paths]
    assert paths
    assert all(pure(str(path)).is_absolute() for path in paths)


def test_a_row_says_which_interface_its_library_has() -> None:
    apis = {module.name: module.hint.api for module in known_modules("linux")}
    assert apis["SoftHSM2"] == "pkcs11"
    assert apis["Longmai mToken GM3000 (SKF)"] == "skf"
    assert {name.endswith(" (SKF)") for name, api in apis.items() if api == "skf"} == {True}


def test_the_first_file_that_exists_is_the_library(tmp_path: Path) -> None:
    there = tmp_path / "lib.so"
    module = Module("some", (tmp_path / "gone.so", there))
    assert module.installed is None
    there.write_bytes(b"")
    assert module.installed == there


def test_a_file_that_comes_up_twice_is_listed_once(tmp_path: Path) -> None:
    library, link = tmp_path / "lib.so", tmp_path / "link.so"
    library.write_bytes(b"")
    link.symlink_to(library)
    modules = all_modules((link,), (Module("known", (library,)), Module("absent", (tmp_path / "gone.so",))))
    assert [module.name for module in modules] == ["link", "absent"]

"""Vendors' libraries for tests: the C files of tests/modules, compiled by the test run that needs them."""

import subprocess
from pathlib import Path

_CODE = Path(__file__).resolve().parent.parent / "modules"
_PKCS11_HEADERS = "/usr/include/p11-kit-1"


def compiled(library: Path, *names: str, options: tuple[str, ...] = ()) -> Path:
    """A shared library from files of tests/modules; warnings are errors there too."""
    files = [_CODE / name for name in names]
    command = ["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{_PKCS11_HEADERS}"]
    done = subprocess.run(
        [*command, "-o", library, *files, *options], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{done.stderr}\nneeded: installers/linux/packages.sh modules"
    return library

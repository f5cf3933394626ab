"""Which interface a vendor's library has, PKCS#11 or SKF (GM/T 0016): the library is asked."""

import ctypes
from pathlib import Path

from bidclient.errors import DriverFailed, DriverMissing
from bidclient.keys.frames import Api


def loaded(path: Path) -> ctypes.CDLL:
    """The library as a set of C functions, __stdcall on Windows. Raises DriverMissing, DriverFailed."""
    if not path.is_file():
        raise DriverMissing(str(path))
    # There is no WinDLL on other systems. It is also what Windows calls PKCS#11 functions by: none is called.
    load: type[ctypes.CDLL] = getattr(ctypes, "WinDLL", ctypes.CDLL)
    try:
        return load(str(path))
    except OSError as error:
        raise DriverFailed("load", f"{path}: {error}") from error


def api_of(path: Path) -> Api:
    """The interface of a library; PKCS#11 where it has both. Raises DriverMissing, DriverFailed.

    One that does not load is left to PyKCS11, which resolves less of a library and tells what is missing.
    """
    try:
        library = loaded(path)
    except DriverFailed:
        return "pkcs11"
    if hasattr(library, "C_GetFunctionList"):
        return "pkcs11"
    if hasattr(library, "SKF_EnumDev"):
        return "skf"
    raise DriverFailed("load", f"{path}: neither C_GetFunctionList nor SKF_EnumDev")

"""A log that is always on, never grows without end and never holds a secret.

Redaction works on the finished text of a record, traceback included, so that no caller can forget it.
"""

import logging
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path

TRAFFIC = 5
"""Below DEBUG: heads of requests and replies. Behind a warning, because it shows business data."""

FILE_NAME = "bidclient.log"
FILE_BYTES = 2 * 1024 * 1024
FILES_KEPT = 5

TRAFFIC_WARNING = """\
+------------------------------------------------------------------------------+
|  警告：正在记录网络通信。日志含有投标业务数据，排查完毕后请关闭并删除日志。  |
|  WARNING: network traffic is being logged. The log will hold business data;  |
|  switch this off and delete the log when the fault has been found.           |
+------------------------------------------------------------------------------+"""

_GONE = "[redacted]"
_NAMED_SECRET = re.compile(
    r"""(?ix) \b (pin | password | passwd | passphrase | secret | access_token | refresh_token | token_value
        | recovery[_-]?code | 口令 | 密码 | 信封码)
        (["']? \s* [:=：] \s*) (b? "[^"]*" | b? '[^']*' | [^\s,;"'}\]]+ )"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+")
_RECOVERY_CODE = re.compile(r"(?<![A-Z0-9-])(?:[A-Z0-9]{4,8}-){4,}[A-Z0-9]{2,8}(?![A-Z0-9-])")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{48,}={0,2}")
_HEX_DIGEST = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})")
_IDENTITY_CARD = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])"
)
_MOBILE_PHONE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])")


def redact(text: str) -> str:
    """`text` without PINs, tokens, base64 bodies, recovery codes, mobile phone and identity card numbers.

    Hexadecimal digests of the usual lengths stay: they are what a fault report needs, and they are public.
    """
    text = _NAMED_SECRET.sub(lambda found: found[1] + found[2] + _GONE, text)
    text = _BEARER.sub(lambda found: f"{found[1]} {_GONE}", text)
    text = _RECOVERY_CODE.sub(_GONE, text)
    text = _BASE64.sub(_base64_gone, text)
    text = _IDENTITY_CARD.sub(_GONE, text)
    return _MOBILE_PHONE.sub(_GONE, text)


def _base64_gone(found: re.Match[str]) -> str:
    body = found[0]
    return body if _HEX_DIGEST.fullmatch(body) else f"[{len(body)} characters redacted]"


class RedactedLines(logging.Formatter):
    """Formats a record and redacts the result, exception text included."""

    def format(self, record: logging.LogRecord) -> str:
        """One redacted line, or several for a traceback."""
        return redact(super().format(record))


def start(folder: Path, *, debug: bool = False, traffic: bool = False) -> Path:
    """Log to a rotating file in `folder`, made if needed, and return its path.

    At most FILES_KEPT + 1 files of FILE_BYTES each. With `traffic` the caller has to show TRAFFIC_WARNING.
    Starting again replaces the earlier file. Raises OSError when the folder cannot be written.
    """
    logging.addLevelName(TRAFFIC, "TRAFFIC")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE_NAME
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    handler.setFormatter(RedactedLines("%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"))
    stop()
    root = logging.getLogger("bidclient")
    root.addHandler(handler)
    root.setLevel(TRAFFIC if traffic else logging.DEBUG if debug else logging.INFO)
    root.propagate = False
    return path


def stop() -> None:
    """Close the log file, if one is open."""
    root = logging.getLogger("bidclient")
    for handler in list(root.handlers):
        if isinstance(handler, RotatingFileHandler):
            root.removeHandler(handler)
            handler.close()
    root.propagate = True

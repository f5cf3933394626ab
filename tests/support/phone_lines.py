"""Lines to a phone authority with somebody on them, who changes what is asked or answers at will."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bidclient.keys.phone_wire import OpenedSession
from bidclient.network.mobile import MobileLine


@dataclass(frozen=True)
class Bent:
    """The line of `line`, on which somebody changes each new request, as `bend` does with its JSON."""

    line: MobileLine
    bend: Callable[[dict[str, Any]], None]

    @property
    def name(self) -> str:
        """As the real one."""
        return self.line.name

    def send(self, method: str, path: str, body: bytes = b"", **how: Any) -> bytes:
        """As the real one, but for what is asked."""
        if method == "POST":
            asked = msgspec.json.decode(body)
            self.bend(asked)
            body = msgspec.json.encode(asked)
        return self.line.send(method, path, body, **how)


@dataclass
class Scripted:
    """A line at whose other end somebody answers what a test wants: by method, an error is raised."""

    answers: dict[str, bytes | Exception]
    name: str = "scripted"
    seen: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes = b"", **how: object) -> bytes:
        """The prepared answer to this method."""
        self.seen.append(method)
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(state: dict[str, object], **opened: object) -> Scripted:
    """The state that every question is answered by; `opened` are changes to the opening of the session."""
    session = OpenedSession("id", "token", "secret", "http://127.0.0.1/phone/", 60, 20)
    return Scripted(
        {
            "POST": msgspec.json.encode({**msgspec.structs.asdict(session), **opened}),
            "GET": msgspec.json.encode(state),
            "DELETE": b"",
        }
    )

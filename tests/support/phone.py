"""Plays the company's phone over HTTP, as its page would: reads the link, compares the code, decides."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from bidclient.ask import PhoneRequest, PinState
from bidclient.errors import Cancelled


def token_of(link: str) -> str:
    """The session that a link is for."""
    return parse_qs(urlsplit(link).query)["t"][0]


@dataclass
class PhonePlayer:
    """A phone before the sandbox at `url`, set to one of its identities."""

    url: str
    identity: str = ""
    device: str = field(default_factory=lambda: secrets.token_hex(8))
    shown: list[list[str]] = field(default_factory=list)
    """The lines on the screen at each approval."""

    def add(self, name: str, uscc: str, key_type: str = "p-256") -> str:
        """Put a new company's identity into the phone and set it to that."""
        body = {"name": name, "uscc": uscc, "key_type": key_type}
        answer = requests.post(f"{self.url}/sandbox/v1/phone/identities", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        self.identity = str(answer.json()["id"])
        return self.identity

    def scan(self, link: str) -> requests.Response:
        """Read a link."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
        body = {
            "token": query["t"],
            "elapsed": int(query["e"]),
            "check": query["a"],
            "device": self.device,
            "identity": self.identity,
        }
        return requests.post(f"{self.url}/phone/v1/scans", json=body, timeout=30)

    def decide(self, link: str, code: str, approve: bool = True) -> requests.Response:
        """Approve with a code, or refuse."""
        body = {"token": token_of(link), "device": self.device, "approve": approve, "code": code}
        return requests.post(f"{self.url}/phone/v1/decisions", json=body, timeout=30)

    def approve(self, request: PhoneRequest) -> dict[str, Any]:
        """Scan, find the computer's code among those on the phone, approve."""
        shown = self.scan(request.address)
        assert shown.ok, shown.text
        assert request.verification_code in shown.json()["codes"]
        self.shown.append(shown.json()["display"])
        done = self.decide(request.address, request.verification_code)
        assert done.ok, done.text
        answer: dict[str, Any] = done.json()
        return answer

    def refuse(self, request: PhoneRequest) -> None:
        """Scan and say no."""
        assert self.scan(request.address).ok
        assert self.decide(request.address, "", approve=False).ok


@dataclass
class PhonePerson:
    """An Ask whose phone does `act` the first time that a request is shown, from a thread of its own.

    What goes wrong in `act` is raised by `check`.
    """

    act: Callable[[PhoneRequest], object]
    pin_text: bytes | None = None
    stop: bool = False
    requests: list[PhoneRequest] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def pin(self, label: str, state: PinState) -> bytes:
        """The PIN of keys that are not on the phone."""
        if self.pin_text is None:
            raise Cancelled
        return self.pin_text

    def on_phone(self, request: PhoneRequest) -> None:
        """Let the phone act, once for each session."""
        known = {token_of(one.address) for one in self.requests}
        self.requests.append(request)
        if token_of(request.address) in known:
            return
        thread = threading.Thread(target=self._play, args=(request,))
        self.threads.append(thread)
        thread.start()

    def confirm(self, question: str) -> bool:
        """Nobody is asked."""
        return False

    def cancelled(self) -> bool:
        """Whether the person at the computer has had enough, or the phone has gone wrong."""
        return self.stop or bool(self.failures)

    def check(self) -> None:
        """Wait for the phone; raise what went wrong there."""
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        if self.failures:
            raise self.failures[0]

    def _play(self, request: PhoneRequest) -> None:
        try:
            self.act(request)
        except (AssertionError, requests.RequestException, KeyError, ValueError) as error:
            self.failures.append(error)

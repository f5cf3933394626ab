"""The person at the terminal: asked on stderr, never through an argument that other users could read."""

import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from getpass import getpass

from bidclient.ask import PhoneRequest, PinState, Progress, silent
from bidclient.cli.phone import PhoneScreen
from bidclient.cli.say import Say
from bidclient.cli.screen import shown, tell
from bidclient.errors import Cancelled, NobodyToAsk

PIN_VARIABLE = "BIDCLIENT_PIN"
_STEPS_ZH = {
    "pack": "固化",
    "verify": "核验",
    "sign": "签名",
    "stamp": "签章",
    "seal": "加密",
    "unseal": "解密",
    "rehearse": "试解密",
    "upload": "上传",
    "archive": "入库",
    "similar-read": "读取",
    "similar-look": "核对",
    "compare": "比对",
    "reindex": "重建指纹",
}


@dataclass
class Person:
    """An Ask at a terminal. PINs come from --pin-stdin, else from the environment, else from a prompt.

    With --pin-stdin there is one line for each key that asks, and the last line serves all further ones.
    """

    say: Say
    pin_lines: list[str] = field(default_factory=list, repr=False)
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    """What was typed for a key in this command: the same key is not asked about twice."""

    phone: PhoneScreen = field(default_factory=PhoneScreen)

    def pin(self, label: str, state: PinState) -> bytes:
        """The PIN. Raises NobodyToAsk without a terminal, Cancelled when nothing is typed."""
        if state.pin_pad:
            tell(self.say(f"请在“{label}”的键盘上输入密码。", f"Enter the PIN on the pad of {label}."))
            return b""
        known = self.typed.get(label)
        if known is None:
            known = self._next_line() or self._prompt(label, state)
            self.typed[label] = known
        return known.encode("utf-8")

    def on_phone(self, request: PhoneRequest) -> None:
        """Draw QR code, verification code and countdown."""
        self.phone.show(request, self.say)

    def confirm(self, question: str) -> bool:
        """A yes at the terminal; without one the answer is no."""
        if not sys.stdin.isatty():
            return False
        tell(question + self.say(" [y/N] ", " [y/N] "), end="")
        return sys.stdin.readline().strip().lower() in ("y", "yes", "是")

    def cancelled(self) -> bool:
        """Ctrl-C raises by itself."""
        return False

    def _next_line(self) -> str | None:
        if not self.pin_lines:
            return None
        return self.pin_lines.pop(0) if len(self.pin_lines) > 1 else self.pin_lines[0]

    def _prompt(self, label: str, state: PinState) -> str:
        if not sys.stdin.isatty():
            raise NobodyToAsk(label)
        if state.last_try:
            tell(self.say("警告：这是最后一次机会，再错将锁死。", "Warning: this is the last try."))
        elif state.attempts_left is not None:
            tell(self.say(f"剩余次数：{state.attempts_left}", f"Attempts left: {state.attempts_left}"))
        elif state.wrong_before:
            tell(self.say("注意：此前输错过密码。", "Note: a wrong PIN was entered before."))
        try:
            question = self.say(f"“{label}”的密码：", f"PIN of {label}: ")
            return getpass(shown(question), stream=sys.stderr)
        except (EOFError, KeyboardInterrupt) as error:
            raise Cancelled from error


def pin_source(pin_stdin: bool, environment: MutableMapping[str, str]) -> list[str]:
    """The PINs handed in: lines of stdin, or the variable, taken out so that no child inherits it."""
    from_environment = environment.pop(PIN_VARIABLE, None)
    if pin_stdin:
        return [line for line in sys.stdin.read().splitlines() if line]
    return [from_environment] if from_environment else []


def progress_on_stderr(say: Say) -> Progress:
    """A progress line on a terminal; silence where stderr is a file or a pipe."""
    if not sys.stderr.isatty():
        return silent
    last = {"text": ""}

    def show(step: str, done: int, total: int) -> None:
        name = say(_STEPS_ZH.get(step, step), step)
        text = f"{name} {done * 100 // total}%" if total else f"{name} {done}"
        if text != last["text"]:
            last["text"] = text
            end = "\n" if total and done >= total else ""
            sys.stderr.write(f"\r{text:<40}{end}")
            sys.stderr.flush()

    return show

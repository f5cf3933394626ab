"""A request to the phone on the terminal: QR code, verification code, and the seconds that are left."""

import io
import shutil
import sys
from dataclasses import dataclass

from bidclient.ask import PhoneRequest
from bidclient.cli.say import Say, display_width
from bidclient.cli.screen import tell

_SAY_AGAIN_SECONDS = 15.0
"""Where lines cannot be drawn over, a fresh address is written this often."""
_BORDER = 2


@dataclass
class PhoneScreen:
    """What the person at the terminal sees of one request; a terminal is drawn over, a pipe is not."""

    code: str = ""
    left: float = 0.0
    scanned: bool = False
    drawn: int = 0
    """Lines that the next picture is drawn over."""

    def show(self, request: PhoneRequest, say: Say) -> None:
        """Draw the request as it is now."""
        is_news = (request.verification_code, request.scanned) != (self.code, self.scanned)
        if request.verification_code != self.code:
            self.drawn = 0
        if not sys.stderr.isatty():
            if is_news or self.left - request.expires_in >= _SAY_AGAIN_SECONDS:
                self._note(request)
                for line in _words(request, say):
                    tell(line)
            return
        self._note(request)
        picture = [] if request.scanned else qr_lines(request.address)
        lines = [*picture, *_words(request, say)]
        if self.drawn:
            # Up to where the last picture begins, and clear from there: these are ours, not anybody's text.
            sys.stderr.write(f"\x1b[{self.drawn}A\x1b[J")
        for line in lines:
            tell(line)
        columns = max(1, shutil.get_terminal_size().columns)
        self.drawn = sum(max(1, -(-display_width(line) // columns)) for line in lines)

    def _note(self, request: PhoneRequest) -> None:
        self.code, self.scanned, self.left = request.verification_code, request.scanned, request.expires_in


def qr_lines(address: str) -> list[str]:
    """The QR code of an address in half blocks, two rows of it in a line, light on dark."""
    # Imported late: most commands ask no phone.
    import segno

    text = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(text, border=_BORDER, compact=True)
    return text.getvalue().splitlines()


def _words(request: PhoneRequest, say: Say) -> list[str]:
    left = round(request.expires_in)
    what = {
        "login": say("登录", "log in"),
        "sign": say(f"签名 {request.items} 项", f"sign {request.items}"),
        "unwrap": say("解密", "open"),
    }[request.operation]
    if request.scanned:
        todo = say("已扫码，请在手机上选出这个验证码并确认", "Scanned; choose this code on the phone")
        address = []
    else:
        todo = say("请用手机扫码，并在手机上选出这个验证码", "Scan with the phone and choose this code there")
        address = [request.address]
    return [
        f"{what} · {request.summary}",
        *address,
        say(f"{todo}：{request.verification_code}", f"{todo}: {request.verification_code}"),
        say(f"还剩 {left} 秒", f"{left} s left"),
    ]

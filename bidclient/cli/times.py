"""Times and states as people read them: a time with its zone and what is left until then, a state by name."""

from datetime import datetime, timedelta

from bidclient.cli.say import Say
from bidclient.formats.instant import CHINA, parse_instant

_OPENING_STATES_ZH = {
    "scheduled": "未到签到时间",
    "sign-in": "可以签到",
    "decrypting": "解密中",
    "paused": "暂停",
    "unsealing": "解封中",
    "read-out": "唱标，等待确认",
    "objection": "可提异议",
    "closed": "已结束",
    "failed": "流标",
}
_LOT_STATES_ZH = {"bidding": "招标中", "opening": "开标中", "closed": "已开标", "failed": "流标"}
EVENTS_ZH = {
    "opening-scheduled": "开标已排定",
    "signed-in": "签到",
    "list-announced": "公布投标人名单",
    "decrypting": "开始解密",
    "released": "密钥已提交",
    "paused": "暂停",
    "resumed": "恢复",
    "extended": "时间延长",
    "window-closed": "解密时间结束",
    "opened": "已开启",
    "open-failed": "开启失败",
    "not-released": "未解密",
    "readout": "唱标",
    "confirmed": "已确认",
    "confirmed-by-silence": "逾期未答，视为确认",
    "objected": "提出异议",
    "closed": "开标结束",
    "failed": "流标",
}
"""What happens in an opening, event by event."""
METHODS_ZH = {"key": "用证书", "second-lock": "用备用锁", "recovery-code": "用信封码"}
"""By what a bid is opened."""


def time_text(instant: str, say: Say, more: str = "") -> str:
    """A point in time of a file or a reply, in the zone of China; `more` goes into the same brackets."""
    moment = parse_instant(instant).astimezone(CHINA)
    shown = moment.strftime("%Y-%m-%d %H:%M:%S")
    if moment.microsecond:
        shown += f".{moment.microsecond // 1000:03d}"
    return say(f"{shown}（{'，'.join(filter(None, ('北京时间', more)))}）", _english(shown, more))


def deadline_text(instant: str, now: datetime, say: Say) -> str:
    """A deadline, and how long it is until then by the clock that `now` was read from."""
    left = parse_instant(instant) - now
    if left <= timedelta(0):
        return time_text(instant, say, say("已过", "over"))
    return time_text(instant, say, say(f"还剩 {_span_zh(left)}", f"{_span_en(left)} left"))


def opening_state(state: str, say: Say) -> str:
    """The name of an opening's state."""
    return say(_OPENING_STATES_ZH.get(state, state), state)


def lot_state(state: str, say: Say) -> str:
    """The name of a lot's state."""
    return say(_LOT_STATES_ZH.get(state, state), state)


def event_name(event: str, say: Say) -> str:
    """The name of an event of an opening."""
    return say(EVENTS_ZH.get(event, event), event)


def _english(shown: str, more: str) -> str:
    return f"{shown} UTC+8" + (f" ({more})" if more else "")


def _span_zh(span: timedelta) -> str:
    days, hours, minutes = _parts(span)
    if days:
        return f"{days} 天 {hours} 小时"
    return f"{hours} 小时 {minutes} 分" if hours else f"{minutes} 分 {int(span.total_seconds()) % 60} 秒"


def _span_en(span: timedelta) -> str:
    days, hours, minutes = _parts(span)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {int(span.total_seconds()) % 60} s"


def _parts(span: timedelta) -> tuple[int, int, int]:
    minutes = int(span.total_seconds()) // 60
    return minutes // 1440, minutes // 60 % 24, minutes % 60

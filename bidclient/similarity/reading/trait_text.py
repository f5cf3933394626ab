"""How what a file says about its making is spelled, so that two files that say the same agree."""

from datetime import UTC, datetime

_LONGEST = 300


def clean(text: str) -> str:
    """Printable characters only, and no more than a line has."""
    return "".join(one for one in text if one.isprintable())[:_LONGEST].strip()


def time_text(moment: datetime) -> str:
    """RFC 3339 with seconds: in UTC with "Z", without one where the zone is not known; empty when absurd."""
    if moment.tzinfo is None:
        return moment.replace(microsecond=0).isoformat()
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return ""


def read_time(text: str) -> datetime | None:
    """The aware time of such a text; None without a zone, where it cannot be compared with others."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None

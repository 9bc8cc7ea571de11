"""How numbers and times stand on a page."""

from datetime import UTC, datetime

from markupsafe import Markup, escape

from storyboard_worker.web.texts.catalogue import Texts

MINUTE, HOUR, DAY = 60, 3600, 86_400
KILO = 1000
# Below this many seconds a tenth matters.
SHORT_SECONDS = 10


def ago(text: Texts, at: datetime, now: datetime) -> str:
    """How long ago in one unit; now, for a moment that seems not to be over."""
    return _apart(text, "time.ago", (now - at).total_seconds())


def ahead(text: Texts, at: datetime, now: datetime) -> str:
    """In how long, in one unit; now, for a moment that is over."""
    return _apart(text, "time.ahead", (at - now).total_seconds())


def how_far(text: Texts, at: datetime, now: datetime) -> str:
    """How long ago, or in how long."""
    return ago(text, at, now) if at <= now else ahead(text, at, now)


def _apart(text: Texts, key: str, seconds: float) -> str:
    if seconds < 1:
        return text("time.now")
    return text(key, length=long_time(text, int(seconds), digits=0))


def long_time(text: Texts, seconds: float, *, digits: int = 1) -> str:
    """A length of time in one unit. A few seconds have so many ``digits`` after the point."""
    if digits and seconds < 1:
        return text("time.milliseconds", number=f"{seconds * 1000:.0f}")
    if seconds < SHORT_SECONDS:
        return text("time.seconds", number=f"{seconds:.{digits}f}")
    if seconds < 2 * MINUTE:
        return text("time.seconds", number=f"{seconds:.0f}")
    if seconds < 2 * HOUR:
        return text("time.minutes", number=f"{seconds / MINUTE:.0f}")
    if seconds < 2 * DAY:
        return text("time.hours", number=f"{seconds / HOUR:.0f}")
    return text("time.days", number=f"{seconds / DAY:.0f}")


def moment(at: datetime) -> str:
    """In UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def machine_moment(at: datetime) -> str:
    """For the attribute ``datetime``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def size_of(count: int) -> str:
    """A number of bytes."""
    if count < KILO:
        return f"{count} B"
    if count < KILO**2:
        return f"{count / KILO:.0f} KB"
    return f"{count / KILO**2:.1f} MB"


def number(count: int, *, is_exact: bool = True) -> str:
    """With a thin space between thousands, which both languages read; ``≈`` before a guess."""
    return ("" if is_exact else "≈\u202f") + f"{count:,}".replace(",", "\u202f")


def sentence(told: str) -> str:
    """With a capital at the beginning, unless that is code."""
    return told[:1].upper() + told[1:]


def with_code(told: str) -> Markup:
    """Escapes ``told`` and marks what stands between back-ticks as code."""
    parts = escape(told).split("`")
    marked = [
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    ]
    return Markup("").join(marked)

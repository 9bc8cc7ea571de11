"""What became of a press of a button, told on the page that follows."""

from collections.abc import Mapping
from dataclasses import dataclass

MOST_DIGITS = 9
NOTICES = {
    "retried": "notice.retried",
    "not_failed": "notice.not_failed",
    "processed": "notice.processed",
    "processing": "notice.processing",
    "ready_before": "notice.ready_before",
    "held": "notice.held",
    "no_panel": "problem.no_panel",
    "broken_off": "notice.broken_off",
    "busy": "notice.busy",
    "stopping": "notice.stopping",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """``key`` is the text; ``count`` goes into it."""

    key: str
    count: int


def notice_of(pairs: Mapping[str, str]) -> Notice | None:
    """The notice that an address carries. It holds no text of its own."""
    key = NOTICES.get(pairs.get("notice", ""))
    if key is None:
        return None
    raw = pairs.get("count", "1")
    is_number = raw.isascii() and raw.isdecimal() and len(raw) <= MOST_DIGITS
    return Notice(key, int(raw) if is_number else 1)

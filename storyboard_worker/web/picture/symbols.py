"""What shows a panel's state beside its text: a symbol, and the line of the frame.

Shapes differ as well as colours, for those who do not tell the colours apart.
"""

from dataclasses import dataclass
from enum import StrEnum

# The symbols are drawn with lines on a square of so many units.
GRID = 24


class State(StrEnum):
    """A row's status, or why none can be shown."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Symbol:
    """``lines``: a path of SVG. ``dashes``: those of the frame, in units of its line's width;
    empty for a line without gaps. ``tone``: the class of its colour."""

    lines: str
    dashes: str
    tone: str


_CIRCLE = "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z"

SYMBOLS = {
    # A clock.
    State.PENDING: Symbol(f"{_CIRCLE}M12 7v5l3.5 2", "6 4", "calm"),
    # An arrow into a tray.
    State.PROCESSING: Symbol("M12 3v11M7.5 9.5L12 14l4.5-4.5M4 16v4h16v-4", "6 4", "calm"),
    # A picture with a mountain.
    State.READY: Symbol("M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6M16 9h.01", "", "calm"),
    # A triangle with an exclamation mark.
    State.FAILED: Symbol("M12 3.5L22 20.5H2zM12 10v5M12 17.8v.01", "", "alert"),
    # A circle with a question mark.
    State.UNKNOWN: Symbol(
        f"{_CIRCLE}M9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.5v.01", "1 4", "calm"
    ),
    # A plug that is out.
    State.UNAVAILABLE: Symbol(
        "M9 3v5M15 3v5M6 8h12v2a6 6 0 0 1-12 0zM12 16v1.5M12 20.5v.5", "1 4", "alert"
    ),
}

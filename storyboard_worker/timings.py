"""The moments of an attempt, from which durations and spans are made."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timings:
    """Moments on the monotonic clock; ``None`` for a step that the attempt did not reach.

    Download and upload overlap. So the time up to the first byte counts for the source alone, and
    the time from the last byte to the answer for the storage alone.
    """

    began_at: float = field(default_factory=time.monotonic)
    asked_at: float | None = None
    first_byte_at: float | None = None
    last_byte_at: float | None = None
    stored_at: float | None = None
    length_bytes: int | None = None

    @property
    def source_seconds(self) -> float | None:
        """How long the source took to send its first byte."""
        return _between(self.asked_at, self.first_byte_at)

    @property
    def storage_seconds(self) -> float | None:
        """How long the storage took to answer after the last byte."""
        return _between(self.last_byte_at, self.stored_at)


def _between(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else later - earlier

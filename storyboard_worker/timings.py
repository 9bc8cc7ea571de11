"""When each part of an attempt happened; what durations and spans are made of."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timings:
    """Moments on the monotonic clock; ``None`` for what an attempt did not come to.

    Download and upload overlap, so the source has the time up to its first byte to itself,
    and the storage that from the last byte handed over to its answer.
    """

    began_at: float = field(default_factory=time.monotonic)
    asked_at: float | None = None
    first_byte_at: float | None = None
    last_byte_at: float | None = None
    stored_at: float | None = None
    length_bytes: int | None = None

    @property
    def source_seconds(self) -> float | None:
        """How long the source let us wait for its first byte."""
        return _between(self.asked_at, self.first_byte_at)

    @property
    def storage_seconds(self) -> float | None:
        """How long the storage took to answer, once it had the last byte."""
        return _between(self.last_byte_at, self.stored_at)


def _between(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else later - earlier

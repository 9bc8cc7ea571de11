"""How fast a peer sends or takes bytes while an attempt waits for it.

A peer that sends single bytes, each in time, would take hours for an image and hold up a slot like
a peer that is silent. Only the time that is spent waiting for this peer counts: it is not to blame
when the worker is busy or waits for another peer.
"""

SLOWEST_BYTES_PER_SECOND = 4096


class TooSlow(TimeoutError):
    """The peer sends or takes fewer bytes a second than it has to."""


class Pace:
    """Judges the peer each time that ``window_seconds`` of waiting for it have added up."""

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds
        self.begin()

    def begin(self) -> None:
        """Forget what has been counted so far."""
        self._waited_seconds, self._moved_bytes = 0.0, 0

    def waited(self, seconds: float) -> None:
        self._waited_seconds += seconds

    def moved(self, count_bytes: int) -> None:
        """Count bytes that were sent or received. Raises :class:`TooSlow`."""
        self._moved_bytes += count_bytes
        if self._waited_seconds < self._window_seconds:
            return
        is_slow = self._moved_bytes < SLOWEST_BYTES_PER_SECOND * self._waited_seconds
        self.begin()
        if is_slow:
            raise TooSlow(f"less than {SLOWEST_BYTES_PER_SECOND} bytes a second")

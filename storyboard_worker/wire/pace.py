"""How fast a peer brings or takes bytes while it is waited for.

Each byte in time, and the whole in hours, holds up as much as nothing at all. Only waiting counts:
that we ourselves are busy, or wait for somebody else, is not the peer's doing.
"""

SLOWEST_BYTES_PER_SECOND = 4096


class TooSlow(TimeoutError):
    """The peer brings or takes less than it has to."""


class Pace:
    """Judged each time that the peer has been waited for, for ``window_seconds`` in all."""

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds
        self.begin()

    def begin(self) -> None:
        """What has been so far does not count."""
        self._waited_seconds, self._moved_bytes = 0.0, 0

    def waited(self, seconds: float) -> None:
        self._waited_seconds += seconds

    def moved(self, count_bytes: int) -> None:
        """Raises :class:`TooSlow`."""
        self._moved_bytes += count_bytes
        if self._waited_seconds < self._window_seconds:
            return
        is_slow = self._moved_bytes < SLOWEST_BYTES_PER_SECOND * self._waited_seconds
        self.begin()
        if is_slow:
            raise TooSlow(f"less than {SLOWEST_BYTES_PER_SECOND} bytes a second")

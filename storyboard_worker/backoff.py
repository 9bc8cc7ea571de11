"""Waits that grow, for what fails again and again."""


class Backoff:
    """Each wait is twice as long as the one before, from ``first_seconds`` to ``longest_seconds``.

    It does not wait by itself and keeps no clock. Threads that share one need a lock.
    """

    def __init__(self, first_seconds: float, longest_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._next_seconds = first_seconds

    def take(self, *, longest_seconds: float | None = None) -> float:
        """The seconds to wait now. The next wait is twice as long.

        ``longest_seconds`` limits the next wait in place of the limit given at first.
        """
        seconds = self._next_seconds
        longest = self._longest_seconds if longest_seconds is None else longest_seconds
        self._next_seconds = min(seconds * 2, longest)
        return seconds

    def raise_to(self, seconds: float) -> None:
        """Make the next wait at least so long, even beyond the longest. Later ones are not."""
        self._next_seconds = max(self._next_seconds, seconds)

    def reset(self) -> None:
        """The failure is over: the next wait is the first again."""
        self._next_seconds = self._first_seconds

"""Conditions under which a measurement is worthless."""

import time
from collections.abc import Callable


class CheckFailedError(Exception):
    """A run did not do its work, so its figures say nothing. The message says what was wrong."""


def check(holds: bool, otherwise: str) -> None:  # noqa: FBT001  reads as a sentence
    if not holds:
        raise CheckFailedError(otherwise)


def wait_until(
    reached: Callable[[], bool],
    what: str,
    *,
    within_seconds: float = 60,
    every_seconds: float = 0.01,
) -> None:
    """Raises :class:`CheckFailedError` when it takes too long."""
    ends_at = time.monotonic() + within_seconds
    while not reached():
        check(time.monotonic() < ends_at, f"waited {within_seconds:.0f} s in vain for {what}")
        time.sleep(every_seconds)

"""Goes on row by row when a statement for many rows fails."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

# The claim loop and the keeper have other duties. The next pass takes the rest.
LONGEST_PASS_SECONDS = 10.0


def in_time(items: Iterable[Item]) -> Iterator[Item]:
    """``items``, until :data:`LONGEST_PASS_SECONDS` have passed."""
    ends_at = time.monotonic() + LONGEST_PASS_SECONDS
    for item in items:
        yield item
        if time.monotonic() > ends_at:
            return

"""One log line for each claim, however many rows it brought."""

import logging
from collections.abc import Callable, Sequence

from storyboard_worker.logs import event
from storyboard_worker.storyboard import Claim

OnClaimed = Callable[[Sequence[Claim]], None]


def log_claimed(claims: Sequence[Claim]) -> None:
    """Write the line of one claim; none when it brought no row."""
    if claims:
        event(
            logging.INFO,
            "claimed",
            count=len(claims),
            longest_due_seconds=max(claim.seconds_since_due for claim in claims),
            storyboard_ids=[str(claim.id) for claim in claims],
        )


class ClaimedLines:
    """Lines that are written a moment after the claim.

    To write one takes the interpreter from the attempts that are about to begin. For one thread.
    """

    def __init__(self) -> None:
        self._unwritten: list[Sequence[Claim]] = []

    def add(self, claims: Sequence[Claim]) -> None:
        self._unwritten.append(claims)

    @property
    def are_unwritten(self) -> bool:
        return bool(self._unwritten)

    def write(self) -> None:
        """Write all that were added."""
        for claims in self._unwritten:
            log_claimed(claims)
        self._unwritten.clear()

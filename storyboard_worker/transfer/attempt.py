"""One attempt: what its steps need to know."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from storyboard_worker.storyboard import Claim
from storyboard_worker.timings import Timings
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Begun

Announce = Callable[[str], None]


def say_nothing(_step: str) -> None:
    """For attempts that run without a spectator."""


@dataclass(slots=True)
class Attempt:
    """``announce`` is called with each step in words; ``timings`` keeps when the steps were.
    ``begun`` is the request for its image, if that was sent before the attempt began."""

    claim: Claim
    deadline: Deadline
    announce: Announce = say_nothing
    timings: Timings = field(default_factory=Timings)
    begun: Begun | None = None

    def begin(self) -> None:
        """Its time counts from now: it may have waited for its slot."""
        self.deadline.begin()
        self.timings.began_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.timings.began_at

    @property
    def seconds_left(self) -> float | None:
        """Until the link dies; ``None`` where that is unknown."""
        return self._left(self.claim.seconds_until_expiry)

    @property
    def seconds_until_given_up(self) -> float | None:
        """The same; a link of unknown expiry is taken to live for a day."""
        return self._left(self.claim.seconds_until_given_up)

    @property
    def link_has_expired(self) -> bool:
        left = self.seconds_left
        return left is not None and left <= 0

    def _left(self, seconds: float | None) -> float | None:
        """Measured when the row was claimed: the moment is the database's, only the distance is
        ours."""
        if seconds is None:
            return None
        return seconds - (time.monotonic() - self.claim.received_at)

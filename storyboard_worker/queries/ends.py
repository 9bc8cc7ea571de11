"""What a worker writes when one of its claims ends: the stored image, or an error."""

from dataclasses import dataclass
from enum import StrEnum

from storyboard_worker.errors import AttemptError
from storyboard_worker.queries.columns import storable
from storyboard_worker.storyboard import Claim, StoredImage


class Transition(StrEnum):
    """How a row goes on after an error. See the table of a row's life in ARCHITECTURE."""

    RETRY = "retry"
    RELEASE = "release"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class ErrorEnd:
    """An error ends the claim, and the row takes this ``transition``.

    ``delay_seconds`` is how long the row then waits at least; a failed row does not wait. After
    ``RETRY`` the attempt stays counted, and as ``own_error`` where the error was the row's own.
    ``RELEASE`` gives the attempt back: the error was not the row's fault. It says nothing of
    workers that were lost over the row, either. ``event_id`` names the event in Sentry.
    """

    transition: Transition
    error: AttemptError
    delay_seconds: float = 0.0
    own_error: bool = False
    event_id: str | None = None

    @property
    def error_columns(self) -> dict[str, str | None]:
        """The columns of the table that say what the error was."""
        return {
            "error_code": str(self.error.code),
            "error_message": storable(self.error.message),
            "sentry_event_id": self.event_id,
        }

    def attempts_after(self, claim: Claim) -> int:
        """How many attempts the row of ``claim`` then counts."""
        match self.transition:
            case Transition.RETRY:
                return claim.attempt - claim.attempts_lost
            case Transition.RELEASE:
                return claim.attempt - 1
            case Transition.FAIL:
                return claim.attempt


End = StoredImage | ErrorEnd
ClaimEnd = tuple[Claim, End]

"""What may be true of a row: the rules of the table, said once more in plain Python."""

from dataclasses import dataclass
from uuid import UUID

from storyboard_worker.models import Claim, Group

LIMIT = 3  # the setting MAX_ATTEMPTS
MOST_WORKERS_LOST = 3


@dataclass
class ModelRow:
    url: str
    max_attempts: int | None = None
    priority: int = 0
    due: bool = True
    expired: bool = False
    status: str = "pending"
    attempts: int = 0
    own_errors: int = 0
    workers_lost: int = 0
    token: UUID | None = None
    lapsed: bool = False
    error_code: str | None = None

    @property
    def group(self) -> Group:
        if self.workers_lost:
            return Group.LOST
        return Group.TRIED if self.attempts else Group.NEW

    @property
    def is_spent(self) -> bool:
        """After one more error of its own."""
        if self.max_attempts is None:
            return self.own_errors + 1 >= LIMIT
        return self.attempts >= self.max_attempts

    @property
    def claimable(self) -> bool:
        return self.status == "pending" and self.due and not self.expired

    @property
    def rescuable(self) -> bool:
        return self.status == "processing" and self.lapsed

    @property
    def expirable(self) -> bool:
        return self.status == "pending" and self.expired

    def claim(self, claim: Claim) -> None:
        self.status = "processing"
        self.attempts += 1
        self.token = claim.token
        self.lapsed = False
        assert (claim.attempt, claim.own_errors, claim.workers_lost, claim.max_attempts) == (
            self.attempts,
            self.own_errors,
            self.workers_lost,
            self.max_attempts,
        )

    def end(self, status: str, error_code: str | None = None, *, due: bool = True) -> None:
        self.status = status
        self.error_code = error_code
        self.due = due
        self.token = None

    def start_afresh(self) -> None:
        self.end("pending")
        self.attempts = self.own_errors = self.workers_lost = 0

    def rescue(self) -> None:
        if self.is_spent or self.workers_lost >= MOST_WORKERS_LOST:
            self.end("failed", "worker_lost")
        else:
            self.end("pending", self.error_code)
        self.own_errors += 1
        self.workers_lost += 1

    def seen(self) -> tuple[object, ...]:
        """What the table shows of it."""
        gone_through = (self.attempts, self.own_errors, self.workers_lost)
        return (self.url, self.status, *gone_through, self.token, self.error_code)


SEEN = "source_url, status, attempts, own_errors, workers_lost, claim_token, error_code"

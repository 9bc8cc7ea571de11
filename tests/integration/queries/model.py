"""The states that a row may have: the rules of the table, repeated in plain Python."""

from dataclasses import dataclass
from uuid import UUID

from storyboard_worker.storyboard import Claim, Group

LIMIT = 3  # The setting MAX_ATTEMPTS
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
    lost_with: str | None = None
    claimed_by: str = ""
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
        """Whether one more error of its own would be its last."""
        if self.max_attempts is None:
            return self.own_errors + 1 >= LIMIT
        return self.attempts >= self.max_attempts

    @property
    def is_the_cause(self) -> bool:
        """Whether it fails if it is lost now: it was tried apart, and has no attempt left."""
        is_exhausted = self.is_spent or self.workers_lost >= MOST_WORKERS_LOST
        return self.workers_lost > 0 and self.lost_with is not None and is_exhausted

    @property
    def claimable(self) -> bool:
        return self.status == "pending" and self.due and not self.expired

    @property
    def is_put_off(self) -> bool:
        """Whether its upstream put it off, so that it may be asked to probe before its time."""
        waits = self.status == "pending" and not self.due and not self.expired
        met_it = self.group is Group.TRIED and self.error_code == "source_timeout"
        return waits and met_it and self.max_attempts is None

    @property
    def rescuable(self) -> bool:
        return self.status == "processing" and self.lapsed

    @property
    def expirable(self) -> bool:
        return self.status == "pending" and self.expired

    def claim(self, claim: Claim, worker: str) -> None:
        self.claimed_by = worker
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

    def end_itself(self, status: str, error_code: str | None = None, *, due: bool = True) -> None:
        """End it, and give back the attempts that were lost in company."""
        self.end(status, error_code, due=due)
        self.attempts = max(1, self.attempts - self.workers_lost)
        self.own_errors = max(0, self.own_errors - self.workers_lost)
        self.workers_lost = 0
        self.lost_with = None

    def cause_is_found(self) -> None:
        self.attempts = max(0, self.attempts - 1)
        self.own_errors = max(0, self.own_errors - 1)
        self.workers_lost -= 1
        self.lost_with = None

    def start_afresh(self) -> None:
        self.end("pending")
        self.attempts = self.own_errors = self.workers_lost = 0

    def rescue(self, company: str) -> None:
        if not self.workers_lost:
            self.lost_with = company
        if self.is_spent or self.workers_lost >= MOST_WORKERS_LOST:
            self.end("failed", "worker_lost")
        else:
            self.end("pending", self.error_code)
        self.own_errors += 1
        self.workers_lost += 1

    def seen(self) -> tuple[object, ...]:
        """The values that the table shows of it."""
        gone_through = (self.attempts, self.own_errors, self.workers_lost)
        return (self.url, self.status, *gone_through, self.token, self.error_code)


SEEN = "source_url, status, attempts, own_errors, workers_lost, claim_token, error_code"

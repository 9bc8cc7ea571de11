"""The circuit breaker of one upstream.

    CLOSED     rows are started freely; five different rows that find the upstream down, with no
               good answer in between, open the breaker
    OPEN       the upstream is left alone for a while, 2 s at first; then the breaker is half open
    HALF_OPEN  a few probes at a time: one good answer closes the breaker for all, and when a few
               have failed it is open again, for twice as long, up to a minute; when for a
               minute there is no row to probe with, it is closed

Beside that an upstream may ask for rest (a rate limit), which ends when it said so, for all rows.
https://martinfowler.com/bliki/CircuitBreaker.html
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import AttemptError

DOWN_AFTER_ROWS = 5
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
PROBES_AT_ONCE = 3
# How soon after a probe another may follow, for a row that has just arrived or because the first
# hangs.
NEXT_PROBE_SECONDS = 5.0
# An upstream that no row asks about for so long is no longer in trouble, as far as is known.
FORGOTTEN_AFTER_SECONDS = 60.0
FIRST_LEAST_REST_SECONDS = 1.0
LONGEST_LEAST_REST_SECONDS = 30.0


class State(Enum):
    """See the module's drawing."""

    CLOSED = auto()
    OPEN = auto()
    HALF_OPEN = auto()


def _pauses() -> Backoff:
    return Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)


def _least_rests() -> Backoff:
    return Backoff(FIRST_LEAST_REST_SECONDS, LONGEST_LEAST_REST_SECONDS)


@dataclass(slots=True)
class Breaker:
    """Of one upstream. Moments are on the clock of its collection, which passes ``now``."""

    state: State = State.CLOSED
    open_until: float = 0.0
    rests_until: float = 0.0
    pauses: Backoff = field(default_factory=_pauses)
    least_rests: Backoff = field(default_factory=_least_rests)
    least_rest_seconds: float = 0.0
    probed_at: float = float("-inf")
    found_down_by: set[UUID] = field(default_factory=set)
    probes: set[UUID] = field(default_factory=set)
    round_began: bool = False
    probes_failed: int = 0
    row_arrived: bool = False
    looked_in_vain_at: float = float("-inf")
    # Since when, half open, there is no row to probe.
    unasked_since: float | None = None
    troubled_since: float | None = None
    error: AttemptError | None = None
    told: bool = False

    def is_shut(self, now: float) -> bool:
        """Rows may not be started freely."""
        return self.state is not State.CLOSED or self.rests_until > now

    def answered_well(self, row_id: UUID, now: float) -> bool:
        """Whether a trouble is over with it."""
        self.probes.discard(row_id)
        self.found_down_by.clear()
        self._close()
        if self.rests_until > now:
            return False
        self.least_rests.reset()
        return self.troubled_since is not None

    def found_down(self, row_id: UUID, error: AttemptError, now: float) -> None:
        was_probe = row_id in self.probes
        self.probes.discard(row_id)
        if self.state is State.CLOSED:
            self.found_down_by.add(row_id)
            if len(self.found_down_by) >= DOWN_AFTER_ROWS:
                self._open(error, now)
        elif self.state is State.HALF_OPEN and was_probe:
            self.probes_failed += 1
            # Those that followed because the first ones hang must not keep a round from its end.
            if not self.probes or self.probes_failed >= PROBES_AT_ONCE:
                self._open(error, now)

    def rest(self, row_id: UUID, error: AttemptError, seconds: float, now: float) -> None:
        """It limits our rate; it is there, or it could not say so."""
        self.probes.discard(row_id)
        if self.rests_until <= now:
            # One that asks for no time at all is not asked again and again without pause.
            self.least_rest_seconds = self.least_rests.take()
        self._close()
        self.rests_until = max(self.rests_until, now + max(seconds, self.least_rest_seconds))
        self._trouble(error, now)

    def refuse(self, row_id: UUID, error: AttemptError, seconds: float, now: float) -> None:
        """It refuses our credentials: open at once, for a person has to fix it."""
        self.probes.discard(row_id)
        self.pauses.raise_to(seconds)
        if self.state is not State.OPEN:
            self._open(error, now)

    def probe_ended(self, row_id: UUID) -> None:
        """It says nothing of the upstream: another may take its place."""
        if row_id in self.probes:
            self.probes.discard(row_id)
            self.probed_at = float("-inf")

    def start_probe(self, row_id: UUID, now: float) -> None:
        self.probes.add(row_id)
        self.probed_at = now
        self.unasked_since = None
        self.round_began = True
        self.row_arrived = False

    def no_row_found(self, now: float) -> None:
        """There is none to start a probe with."""
        self.row_arrived = False
        self.looked_in_vain_at = now
        if self.state is State.HALF_OPEN and not self.probes and self.unasked_since is None:
            self.unasked_since = now

    def may_be_forgotten(self, now: float) -> bool:
        """It is in trouble only because no row has asked it for long."""
        if self.rests_until > now or self.troubled_since is None:
            return False
        if self.state is State.CLOSED:
            return now - self.rests_until >= FORGOTTEN_AFTER_SECONDS
        since = self.unasked_since
        return since is not None and now - since >= FORGOTTEN_AFTER_SECONDS

    def probes_wanted(self, now: float) -> int:
        """How many probes may be started now; in a pause, one for a row that has just arrived."""
        if self.rests_until > now or self.state is State.CLOSED:
            return 0
        if self.state is State.OPEN and now >= self.open_until:
            self.state, self.round_began, self.probes_failed = State.HALF_OPEN, False, 0
        # Rows that arrived within the pause may still be asking.
        places = PROBES_AT_ONCE - len(self.probes)
        if self.state is State.HALF_OPEN and not self.round_began and places > 0:
            return places
        may_follow = self.state is State.HALF_OPEN or self.row_arrived
        return 1 if may_follow and now >= self._next_probe_at else 0

    def seconds_until_change(self, now: float) -> float | None:
        """When :meth:`probes_wanted` or :meth:`is_shut` may answer otherwise by itself."""
        if self.rests_until > now:
            return self.rests_until - now
        next_probe_at = self._next_probe_at
        if self.state is State.OPEN:
            earlier = min(self.open_until, next_probe_at) if self.row_arrived else self.open_until
            return max(0.0, earlier - now)
        if self.state is State.HALF_OPEN and self.probes:
            # A row that comes in between is told of.
            next_look_at = self.looked_in_vain_at + NEXT_PROBE_SECONDS
            return max(0.0, next_probe_at - now, next_look_at - now)
        return None

    @property
    def _next_probe_at(self) -> float:
        """The more of them hang, the later; a row that has just arrived need not wait so long."""
        hanging = 0 if self.row_arrived else max(0, len(self.probes) - PROBES_AT_ONCE)
        seconds = NEXT_PROBE_SECONDS * 2.0 ** min(hanging, 16)
        return self.probed_at + min(seconds, LONGEST_PAUSE_SECONDS)

    def _open(self, error: AttemptError, now: float) -> None:
        self.state = State.OPEN
        self.open_until = now + self.pauses.take()
        self.found_down_by.clear()
        self._trouble(error, now)

    def _close(self) -> None:
        self.state = State.CLOSED
        self.pauses.reset()

    def _trouble(self, error: AttemptError, now: float) -> None:
        if self.troubled_since is None:
            self.troubled_since, self.error = now, error

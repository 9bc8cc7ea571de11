"""Circuit breakers: whether an upstream is asked freely, by a few probes, or not at all.

All images lie behind one host and go to one account. So what one object does says nothing of its
upstream: it is judged by what several rows say of it.

    CLOSED     rows are started freely; five different rows that find the upstream down, with no
               good answer in between, open the breaker
    OPEN       the upstream is left alone for a while, 2 s at first; then the breaker is half open
    HALF_OPEN  a few probes at a time: one good answer closes the breaker for all, and when a few
               have failed it is open again, for twice as long, up to a minute; when for a
               minute there is no row to probe with, it is closed

Beside that an upstream may ask for rest (a rate limit), which ends when it said so, for all rows.
https://martinfowler.com/bliki/CircuitBreaker.html
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.models import Claim
from storyboard_worker.policy import DOWN_CODES, Kind, kind_of, pause_seconds

DOWN_AFTER_ROWS = 5
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
PROBES_AT_ONCE = 3
# How soon after a probe another may follow, for a row that has just arrived or because the first
# hangs.
NEXT_PROBE_SECONDS = 5.0
# A pause that has lasted so long is told.
LASTING_SECONDS = 60.0
# After one that has lasted so long its rows are recalled. What came in a shorter one has failed
# four times at most, which puts it off by less than a minute.
RECALLED_AFTER_SECONDS = 15.0
# An upstream that no row asks about for so long is no longer in trouble, as far as is known.
FORGOTTEN_AFTER_SECONDS = 60.0
LONGEST_LEAST_REST_SECONDS = 30.0
# An upstream that was paused within the last minute is not looked after any more than that.
MOST_BREAKERS = 1000

# These say nothing about whether the upstream is there.
INCONCLUSIVE_CODES = frozenset({ErrorCode.ATTEMPT_TIMEOUT, ErrorCode.UNEXPECTED})


class State(Enum):
    """See the module's drawing."""

    CLOSED = auto()
    OPEN = auto()
    HALF_OPEN = auto()


@dataclass(frozen=True, slots=True)
class Lasting:
    """An upstream has been left alone for ``seconds``, or could be asked again after so long;
    ``is_forgotten``: because no row was left to ask it."""

    upstream: str
    error: AttemptError
    seconds: float
    is_over: bool
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Recovery:
    """An upstream that was down answers well again, after ``seconds``."""

    upstream: str
    seconds: float


@dataclass(slots=True)
class Breaker:
    """Of one upstream. Moments are on the clock of its collection, which passes ``now``."""

    state: State = State.CLOSED
    open_until: float = 0.0
    rests_until: float = 0.0
    pause_seconds: float = FIRST_PAUSE_SECONDS
    rests: int = 0
    probed_at: float = float("-inf")
    found_down_by: set[UUID] = field(default_factory=set)
    probes: set[UUID] = field(default_factory=set)
    round_began: bool = False
    probes_failed: int = 0
    row_arrived: bool = False
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
        self.rests = 0
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
            self.rests += 1
        # One that asks for no time at all is not asked again and again without pause.
        least = min(LONGEST_LEAST_REST_SECONDS, 2.0 ** (self.rests - 1))
        self._close()
        self.rests_until = max(self.rests_until, now + max(seconds, least))
        self._trouble(error, now)

    def refuse(self, row_id: UUID, error: AttemptError, seconds: float, now: float) -> None:
        """It refuses our credentials: open at once, for a person has to mend it."""
        self.probes.discard(row_id)
        self.pause_seconds = max(self.pause_seconds, seconds)
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
            return max(0.0, next_probe_at - now)
        return None

    @property
    def _next_probe_at(self) -> float:
        """The more of them hang, the later; a row that has just arrived need not wait so long."""
        hanging = 0 if self.row_arrived else max(0, len(self.probes) - PROBES_AT_ONCE)
        seconds = NEXT_PROBE_SECONDS * 2.0 ** min(hanging, 16)
        return self.probed_at + min(seconds, LONGEST_PAUSE_SECONDS)

    def _open(self, error: AttemptError, now: float) -> None:
        self.state = State.OPEN
        self.open_until = now + self.pause_seconds
        self.pause_seconds = min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        self.found_down_by.clear()
        self._trouble(error, now)

    def _close(self) -> None:
        self.state = State.CLOSED
        self.pause_seconds = FIRST_PAUSE_SECONDS

    def _trouble(self, error: AttemptError, now: float) -> None:
        if self.troubled_since is None:
            self.troubled_since, self.error = now, error


class Breakers:
    """Of one worker, shared by its threads; keyed by a source's host and port, and Cloudinary.

    ``begun`` counts the troubles that began, not those that only went on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._over: list[Lasting] = []
        self._recovered: list[Recovery] = []
        self.begun = 0

    def succeeded(self, claim: Claim) -> None:
        """An attempt became ready: both its upstreams are well."""
        with self._lock:
            self._answered_well(claim.upstream, claim.id)
            self._answered_well(STORAGE_UPSTREAM, claim.id)

    def failed(self, claim: Claim, error: AttemptError) -> None:
        """An attempt ended with ``error``."""
        with self._lock:
            if error.upstream == STORAGE_UPSTREAM:
                # The source answered, or there would have been nothing to store.
                self._answered_well(claim.upstream, claim.id)
                self._judge(STORAGE_UPSTREAM, claim.id, error)
            else:
                self._probe_ended(STORAGE_UPSTREAM, claim.id)
                self._judge(claim.upstream, claim.id, error)

    def abandoned(self, claim: Claim) -> None:
        """An attempt ended without telling anything about its upstreams."""
        with self._lock:
            self._probe_ended(claim.upstream, claim.id)
            self._probe_ended(STORAGE_UPSTREAM, claim.id)

    def started(self, claim: Claim) -> None:
        """An attempt begins; where its upstreams are shut it is a probe of them."""
        with self._lock:
            for upstream in (claim.upstream, STORAGE_UPSTREAM):
                breaker = self._breakers.get(upstream)
                if breaker is not None and breaker.state is not State.CLOSED:
                    breaker.start_probe(claim.id, self._clock())

    def shut_sources(self) -> set[str]:
        """Sources whose rows may not be claimed freely."""
        with self._lock:
            now = self._clock()
            return {
                upstream
                for upstream, breaker in self._breakers.items()
                if upstream != STORAGE_UPSTREAM and breaker.is_shut(now)
            }

    @property
    def all_closed(self) -> bool:
        """Every row may be started freely."""
        with self._lock:
            now = self._clock()
            return not any(breaker.is_shut(now) for breaker in self._breakers.values())

    @property
    def storage_is_shut(self) -> bool:
        with self._lock:
            breaker = self._breakers.get(STORAGE_UPSTREAM)
            return breaker is not None and breaker.is_shut(self._clock())

    def probes_wanted(self, upstream: str) -> int:
        """How many rows may be started now to ask a shut ``upstream``."""
        with self._lock:
            breaker = self._breakers.get(upstream)
            return 0 if breaker is None else breaker.probes_wanted(self._clock())

    def row_arrived(self, upstream: str | None = None) -> None:
        """A new row may be there for ``upstream``, or for any: it may ask within a pause."""
        with self._lock:
            for name, breaker in self._breakers.items():
                if upstream in {None, name}:
                    breaker.row_arrived = True

    def no_row_found(self, upstream: str) -> None:
        """There is none that may ask a shut ``upstream``."""
        with self._lock:
            breaker = self._breakers.get(upstream)
            if breaker is not None:
                breaker.no_row_found(self._clock())

    def is_half_open(self, upstream: str) -> bool:
        """Its pause is over; probes show whether it is well."""
        with self._lock:
            breaker = self._breakers.get(upstream)
            return breaker is not None and breaker.state is State.HALF_OPEN

    def seconds_until_change(self) -> float | None:
        """When a shut upstream may be asked; ``None``: not before something happens."""
        with self._lock:
            now = self._clock()
            storage = self._breakers.get(STORAGE_UPSTREAM)
            if storage is not None and storage.is_shut(now):
                # No source is asked without it.
                return storage.seconds_until_change(now)
            changes = [breaker.seconds_until_change(now) for breaker in self._breakers.values()]
        return min((seconds for seconds in changes if seconds is not None), default=None)

    def paused_seconds(self) -> dict[str, float]:
        """Each upstream that is left alone, and for how long yet; 0: probes have yet to show
        whether it is well."""
        with self._lock:
            now = self._clock()
            return {
                upstream: max(0.0, breaker.open_until - now, breaker.rests_until - now)
                for upstream, breaker in self._breakers.items()
                if breaker.is_shut(now)
            }

    def lasting_seconds(self) -> dict[str, float]:
        """Each upstream that is left alone, and since when."""
        with self._lock:
            now = self._clock()
            return {
                upstream: now - breaker.troubled_since
                for upstream, breaker in self._breakers.items()
                if breaker.is_shut(now) and breaker.troubled_since is not None
            }

    def take_news(self) -> Iterable[Lasting]:
        """What has lasted for a minute, or is over after it was told; each once. Refused
        credentials are told at once."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            news, self._over = self._over, []
            for upstream, breaker in self._breakers.items():
                since, error = breaker.troubled_since, breaker.error
                if since is None or error is None or breaker.told or not breaker.is_shut(now):
                    continue
                at_once = error.code is ErrorCode.STORAGE_UNAUTHORIZED
                if at_once or now - since >= LASTING_SECONDS:
                    breaker.told = True
                    news.append(Lasting(upstream, error, now - since, is_over=False))
        return news

    def take_recoveries(self) -> list[Recovery]:
        """Upstreams that are well again after they were down for a while; each once."""
        with self._lock:
            recovered, self._recovered = self._recovered, []
        return recovered

    def _forget(self, now: float) -> None:
        for upstream, breaker in list(self._breakers.items()):
            if breaker.may_be_forgotten(now):
                self._end_trouble(upstream, breaker, now, is_forgotten=True)

    def _end_trouble(
        self, upstream: str, breaker: Breaker, now: float, *, is_forgotten: bool = False
    ) -> None:
        del self._breakers[upstream]
        if breaker.found_down_by:
            self._breakers[upstream] = Breaker(found_down_by=breaker.found_down_by)
        since, error = breaker.troubled_since, breaker.error
        if since is None or error is None:
            return
        seconds = now - since
        if breaker.told:
            over = Lasting(upstream, error, seconds, is_over=True, is_forgotten=is_forgotten)
            self._over.append(over)
        if not is_forgotten and seconds >= RECALLED_AFTER_SECONDS and error.code in DOWN_CODES:
            self._recovered.append(Recovery(upstream, seconds))

    def _judge(self, upstream: str, row_id: UUID, error: AttemptError) -> None:
        now = self._clock()
        if kind_of(error) is Kind.BLAMELESS:
            breaker = self._breaker(upstream)
            was_shut = breaker.is_shut(now)
            shut = breaker.refuse if error.code in REFUSED_CODES else breaker.rest
            shut(row_id, error, pause_seconds(error), now)
            self.begun += not was_shut
        elif error.code in DOWN_CODES:
            breaker = self._breaker(upstream)
            was_shut = breaker.is_shut(now)
            breaker.found_down(row_id, error, now)
            self.begun += breaker.is_shut(now) and not was_shut
        elif error.upstream is None or error.code in INCONCLUSIVE_CODES:
            self._probe_ended(upstream, row_id)
        else:
            self._answered_well(upstream, row_id)

    def _breaker(self, upstream: str) -> Breaker:
        if len(self._breakers) > MOST_BREAKERS:
            now = self._clock()
            self._breakers = {
                name: breaker for name, breaker in self._breakers.items() if breaker.is_shut(now)
            }
        return self._breakers.setdefault(upstream, Breaker())

    def _answered_well(self, upstream: str, row_id: UUID) -> None:
        breaker = self._breakers.get(upstream)
        if breaker is None:
            return
        now = self._clock()
        if breaker.answered_well(row_id, now):
            self._end_trouble(upstream, breaker, now)
        elif breaker.troubled_since is None and not breaker.probes:
            del self._breakers[upstream]

    def _probe_ended(self, upstream: str, row_id: UUID) -> None:
        breaker = self._breakers.get(upstream)
        if breaker is not None:
            breaker.probe_ended(row_id)


REFUSED_CODES = frozenset({ErrorCode.STORAGE_UNAUTHORIZED})

"""Whether an upstream is asked freely, by a few probes, or not at all.

All images lie behind one host and go to one account. So what one object does says nothing of its
upstream: it is judged by what several rows say of it, each upstream by a breaker of its own.
"""

import threading
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from storyboard_worker.attempts.breaker import Breaker, State
from storyboard_worker.attempts.pauses import Lasting, Recovery
from storyboard_worker.attempts.policy import DOWN_CODES, Kind, kind_of, pause_seconds
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.storyboard import Claim

# A pause that has lasted so long is told.
LASTING_SECONDS = 60.0
# After one that has lasted so long its rows are recalled. What came in a shorter one has failed
# four times at most, which puts it off by less than a minute.
RECALLED_AFTER_SECONDS = 15.0
# Above this number, breakers that are closed are dropped.
MOST_BREAKERS = 1000

REFUSED_CODES = frozenset({ErrorCode.STORAGE_UNAUTHORIZED})
# These say nothing about whether the upstream is there.
INCONCLUSIVE_CODES = frozenset({ErrorCode.ATTEMPT_TIMEOUT, ErrorCode.UNEXPECTED})
# Nor do these, unless they come from an answer: links are refused without asking.
UNASKED_CODES = frozenset({ErrorCode.SOURCE_BLOCKED, ErrorCode.SOURCE_EXPIRED})


class Breakers:
    """Of one worker, shared by its threads; keyed by a source's host and port, and Cloudinary.
    ``begun`` counts the troubles that began, not those that only went on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._over: list[Lasting] = []
        self._recovered: list[Recovery] = []
        self.begun = 0

    def succeeded(self, claim: Claim) -> None:
        """An attempt became ready: both its upstreams are well."""
        if not self._breakers:
            return  # none is in trouble
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
        return not self._breakers or not self.paused_seconds()

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
                seconds = storage.seconds_until_change(now)
                if seconds is not None:
                    # No source is asked without it.
                    return seconds
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
        elif _tells_nothing(error):
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


def _tells_nothing(error: AttemptError) -> bool:
    if error.code in UNASKED_CODES:
        return error.http_status is None
    return error.upstream is None or error.code in INCONCLUSIVE_CODES

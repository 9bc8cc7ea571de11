"""Which upstreams to leave alone for a while, and when one row may probe them.

An upstream is paused when it limits our rate or refuses our credentials, or when five
attempts in a row found it down. After the pause one attempt probes it: if that succeeds
the upstream is open again, if not the next pause is longer (up to five minutes).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.policy import Kind, kind_of, pause_seconds

DOWN_AFTER_FAILURES = 5
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
SOONEST_PROBE_SECONDS = 0.05
# A host that was opened because none of its rows waited, and fails again later than this, is in
# another trouble.
SAME_TROUBLE_SECONDS = 120.0
# More hosts than this that failed now and then are not kept in mind.
MOST_TROUBLES = 1000

DOWN_CODES = frozenset(
    {ErrorCode.SOURCE_UNAVAILABLE, ErrorCode.SOURCE_TIMEOUT, ErrorCode.STORAGE_UNAVAILABLE}
)
# These say nothing about whether the upstream is there.
INCONCLUSIVE_CODES = frozenset({ErrorCode.ATTEMPT_TIMEOUT, ErrorCode.UNEXPECTED})


@dataclass(frozen=True, slots=True)
class Recovery:
    """An upstream that was paused is well again, ``seconds`` after its first pause began."""

    upstream: str
    code: ErrorCode
    seconds: float


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    refusals: int = 0
    paused_until: float | None = None
    next_pause_seconds: float = FIRST_PAUSE_SECONDS
    probing: bool = False
    began_at: float | None = None
    opened_at: float | None = None
    code: ErrorCode = ErrorCode.UNEXPECTED


class Pauses:
    """Shared by all slots of one worker. An upstream is a source's host or ``cloudinary``.

    ``begun`` counts the pauses that began, not those that only went on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}
        self._recoveries: list[Recovery] = []
        self.begun = 0
        self._lock = threading.Lock()

    def succeeded(self, host: str) -> None:
        """An attempt became ready: both its upstreams are well."""
        with self._lock:
            self._is_well(host)
            self._is_well(STORAGE_UPSTREAM)

    def failed(self, host: str, error: AttemptError) -> float | None:
        """An attempt on a row of ``host`` ended with ``error``.

        Returns the length in seconds of the pause that begins with it, if one does; a pause
        that only goes on (a probe failed, or what was under way when it began) is none.
        """
        with self._lock:
            if error.upstream != STORAGE_UPSTREAM:
                self._end_probe(STORAGE_UPSTREAM)
                return self._note(host, error)
            # The source answered, or there would have been nothing to store.
            self._is_well(host)
            return self._note(STORAGE_UPSTREAM, error)

    def abandoned(self, host: str) -> None:
        """An attempt ended without telling anything about its upstreams."""
        with self._lock:
            self._end_probe(host)
            self._end_probe(STORAGE_UPSTREAM)

    def _note(self, upstream: str, error: AttemptError) -> float | None:
        if kind_of(error.code) is Kind.BLAMELESS:
            return self._note_refusal(upstream, error.code, pause_seconds(error))
        if error.code in DOWN_CODES:
            return self._note_down(upstream, error.code)
        if error.upstream is None or error.code in INCONCLUSIVE_CODES:
            self._end_probe(upstream)
        else:
            self._is_well(upstream)
        return None

    def _is_well(self, upstream: str) -> None:
        """Ends a pause only after its time: what was under way when it began says nothing of
        whether the upstream wants to be asked again."""
        trouble = self._troubles.get(upstream)
        if trouble is None or self._remaining(trouble) > 0:
            return
        del self._troubles[upstream]
        if trouble.began_at is not None:
            seconds = self._clock() - trouble.began_at
            self._recoveries.append(Recovery(upstream, trouble.code, seconds))

    def _note_refusal(self, upstream: str, code: ErrorCode, asked_seconds: float) -> float | None:
        trouble = self._troubles.setdefault(upstream, _Trouble())
        # An upstream that asks for no time at all is not asked again and again without pause.
        least = min(FIRST_PAUSE_SECONDS, 2.0**trouble.refusals)
        if trouble.paused_until is None or trouble.probing:
            trouble.refusals += 1
        return self._pause(upstream, code, max(asked_seconds, least))

    def _forget_small_troubles(self) -> None:
        if len(self._troubles) > MOST_TROUBLES:
            self._troubles = {
                upstream: trouble
                for upstream, trouble in self._troubles.items()
                if trouble.paused_until is not None
            }

    def _note_down(self, upstream: str, code: ErrorCode) -> float | None:
        self._forget_small_troubles()
        trouble = self._troubles.setdefault(upstream, _Trouble())
        trouble.failures += 1
        if trouble.failures < DOWN_AFTER_FAILURES and trouble.paused_until is None:
            return None
        if trouble.paused_until is not None and not trouble.probing:
            return None
        length = trouble.next_pause_seconds
        trouble.next_pause_seconds = min(length * 2, LONGEST_PAUSE_SECONDS)
        return self._pause(upstream, code, length)

    def _pause(self, upstream: str, code: ErrorCode, seconds: float) -> float | None:
        trouble = self._troubles.setdefault(upstream, _Trouble())
        now = self._clock()
        trouble.probing = False
        trouble.paused_until = max(trouble.paused_until or 0.0, now + seconds)
        # With nothing to probe it was opened in between; that does not end the trouble.
        opened_for = 0.0 if trouble.opened_at is None else now - trouble.opened_at
        trouble.opened_at = None
        if trouble.began_at is not None and opened_for <= SAME_TROUBLE_SECONDS:
            return None
        trouble.began_at, trouble.code = now, code
        self.begun += 1
        return seconds

    def _end_probe(self, upstream: str) -> None:
        trouble = self._troubles.get(upstream)
        if trouble is not None:
            trouble.probing = False

    def paused_seconds(self) -> dict[str, float]:
        """Each upstream that is left alone now, and for how long yet; 0 when the time is over and
        a probe has yet to show whether it is well."""
        with self._lock:
            return {
                upstream: max(0.0, self._remaining(trouble))
                for upstream, trouble in self._troubles.items()
                if trouble.paused_until is not None
            }

    def lasting_seconds(self) -> dict[str, float]:
        """Each upstream that is paused or waits for its probe, and since when."""
        with self._lock:
            return {
                upstream: self._clock() - trouble.began_at
                for upstream, trouble in self._troubles.items()
                if trouble.paused_until is not None and trouble.began_at is not None
            }

    def take_recoveries(self) -> list[Recovery]:
        """What has recovered since this was last asked."""
        if not self._recoveries:
            return []
        with self._lock:
            taken, self._recoveries = self._recoveries, []
        return taken

    @property
    def all_open(self) -> bool:
        """No upstream is paused, or waits for a probe."""
        with self._lock:
            return all(trouble.paused_until is None for trouble in self._troubles.values())

    def hosts_to_avoid(self) -> set[str]:
        """Hosts whose rows may not be claimed freely: paused, or waiting for a probe."""
        with self._lock:
            return {
                upstream
                for upstream, trouble in self._troubles.items()
                if trouble.paused_until is not None and upstream != STORAGE_UPSTREAM
            }

    def hosts_to_probe(self) -> list[str]:
        """Hosts whose pause is over and that nobody probes yet."""
        with self._lock:
            return [
                upstream
                for upstream, trouble in self._troubles.items()
                if upstream != STORAGE_UPSTREAM and self._wants_probe(trouble)
            ]

    def storage_allows(self, wanted: int) -> int:
        """How many attempts may start, for storage's sake: all, one (a probe), or none."""
        with self._lock:
            trouble = self._troubles.get(STORAGE_UPSTREAM)
            if trouble is None or trouble.paused_until is None:
                return wanted
            return min(1, wanted) if self._wants_probe(trouble) else 0

    def start_probe(self, upstream: str) -> None:
        """An attempt that probes ``upstream`` was started; nothing if there is no need.

        One that was claimed while a pause began is no probe: if it goes well the pause goes on,
        and its end is still to be probed.
        """
        with self._lock:
            trouble = self._troubles.get(upstream)
            if trouble is not None and self._wants_probe(trouble):
                trouble.probing = True

    def nothing_to_probe(self, host: str) -> None:
        """No row of ``host`` waits: its next one starts freely, but on probation."""
        with self._lock:
            trouble = self._troubles.get(host)
            if trouble is not None:
                trouble.paused_until = None
                trouble.opened_at = self._clock()
                trouble.failures = DOWN_AFTER_FAILURES - 1

    def seconds_until_probe(self) -> float | None:
        """How long until the next pause ends; ``None`` when nothing waits for a probe.

        Never 0: a pause that ended this moment is probed with the next look at the table.
        """
        with self._lock:
            remaining = [
                max(self._remaining(trouble), SOONEST_PROBE_SECONDS)
                for trouble in self._troubles.values()
                if trouble.paused_until is not None and not trouble.probing
            ]
        return min(remaining, default=None)

    def _remaining(self, trouble: _Trouble) -> float:
        return 0.0 if trouble.paused_until is None else trouble.paused_until - self._clock()

    def _wants_probe(self, trouble: _Trouble) -> bool:
        return (
            trouble.paused_until is not None
            and not trouble.probing
            and self._remaining(trouble) <= 0
        )

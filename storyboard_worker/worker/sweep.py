"""One cron pass: rescue, expire, raise alarms, then process what is due.

Safe beside workers and beside another sweep: every step skips rows that others hold.
It ends by itself: a cron run that hangs would keep all later ones from starting.
"""

import time

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import OnEnded
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.database.patience import Patience
from storyboard_worker.errors import DatabaseUnavailable, RowsHidden
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.alarms import Alarms
from storyboard_worker.worker.drain import Drain
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.shift import Team
from storyboard_worker.worker.tally import CutShort, Tally


class Sweep:
    """``insist`` makes each step's exchanges with the database, whose absence may be short."""

    def __init__(
        self,
        *,
        insist: Patience,
        settings: Settings,
        queue_: StoryboardQueue,
        counts: StoryboardCounts,
        housekeeping: Housekeeping,
        alarms: Alarms,
        reporter: Reporter,
        shutdown: Shutdown,
    ) -> None:
        self._insist = insist
        self._settings = settings
        self._queue = queue_
        self._counts = counts
        self._housekeeping = housekeeping
        self._alarms = alarms
        self._reporter = reporter
        self._shutdown = shutdown
        self._began = False
        self._tally = Tally(complete=False)

    @property
    def tally(self) -> Tally | None:
        """What has been done so far; ``None`` while nothing has."""
        return self._tally if self._began else None

    def run(
        self,
        attempts: Attempts | None,
        breakers: Breakers,
        *,
        max_seconds: float,
        limit: int | None = None,
        on_ended: OnEnded | None = None,
    ) -> Tally:
        """One pass; without ``attempts`` nothing is processed.

        Attempts are made until nothing is due, ``limit`` of them were started, or the time is
        up, which is a hard end: those still under way then are given back. Raises
        :class:`CutShort` when the database stays away.
        """
        self._tally = tally = Tally(complete=False)
        team = None
        if attempts is not None:
            team = Team(self._queue, attempts, breakers, attempts.restraint, on_ended)
        started = time.monotonic()
        self._insist.end_by(started + max_seconds)
        with (
            self._reporter.sweep_monitored(max_seconds),
            self._shutdown.calling(self._insist.give_up),
        ):
            try:
                self._pass(tally, team, ends_at=started + max_seconds, limit=limit)
            except RowsHidden:
                raise
            except DatabaseUnavailable as error:
                tally.complete = False
                if not self._began:
                    raise
                raise CutShort(tally, error) from error
            finally:
                tally.seconds = round(time.monotonic() - started, 3)
        return tally

    def _pass(self, tally: Tally, team: Team | None, *, ends_at: float, limit: int | None) -> None:
        self._tidy(tally)
        if team is None:
            return
        drain = Drain(team, self._settings, self._shutdown, self._insist, limit=limit)
        drained = drain.run(tally, ends_at)
        done = drained or self._nothing_is_due()
        tally.complete = done and tally.released == 0
        if tally.processed:
            met = team.breakers.paused_seconds()
            tally.alarms += self._insist(lambda: self._alarms.met(met))
        team.attempts.tell_news(at_once=True)
        tally.alarms += self._alarms.take_lacks()

    def _tidy(self, tally: Tally) -> None:
        insist = self._insist
        rescued = insist(self._housekeeping.rescue)
        self._began = True
        tally.rescued, tally.lost = rescued.rescued, rescued.lost
        tally.expired = insist(self._housekeeping.expire)
        insist(self._housekeeping.forget_dead_workers)
        insist(self._housekeeping.forget_old_attempts)
        tally.alarms = insist(self._alarms.watch)
        tally.complete = self._nothing_is_due()

    def _nothing_is_due(self) -> bool:
        return self._insist(self._counts.read).oldest_waiting_seconds == 0

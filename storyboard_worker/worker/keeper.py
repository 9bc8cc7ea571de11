"""The keeper: a thread that does a few duties at a steady pace, come what may."""

import logging
import threading
from collections.abc import Callable, Sequence

from storyboard_worker.errors import DatabaseUnavailable, RowsHidden, SchemaOutdated
from storyboard_worker.logs import event, log

# One renewal may fail, and the next still comes in time.
RENEWALS_PER_LEASE = 3
SOON_SECONDS = 1.0

Duty = Callable[[], object]


class Watcher:
    """Hears how a keeper fares; this one does nothing with it."""

    def failed(self, error: Exception) -> None:
        """A duty failed: the database is away, or refuses."""

    def is_well(self) -> None:
        """All duties were done."""

    def moves(self) -> None:
        """The keeper is about to do a duty, or to wait."""


UNWATCHED = Watcher()


class Keeper:
    """Does each of ``duties`` every ``interval_seconds``, the first time at once, and sooner
    again when the database was away: leases run on."""

    def __init__(
        self,
        duties: Sequence[Duty],
        *,
        interval_seconds: float,
        watcher: Watcher = UNWATCHED,
    ) -> None:
        self._duties = duties
        self._interval_seconds = interval_seconds
        self._watcher = watcher
        self._waits = False
        self._broke = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after the duty at hand."""
        self._stopped.set()
        self._thread.join(timeout=SOON_SECONDS)

    def _run(self) -> None:
        wait_seconds = 0.0
        while not self._stopped.wait(wait_seconds):
            self._broke = False
            failed = [duty for duty in self._duties if not self._does(duty)]
            self._waits = bool(failed)
            if not failed and not self._broke:
                self._watcher.is_well()
            self._watcher.moves()
            soon = min(SOON_SECONDS, self._interval_seconds)
            wait_seconds = soon if failed else self._interval_seconds

    def _does(self, duty: Duty) -> bool:
        self._watcher.moves()
        try:
            duty()
        except RowsHidden as error:
            # Asking again at once would show no more.
            self._watcher.failed(error)
            self._broke = True
        except (DatabaseUnavailable, SchemaOutdated) as error:
            # Once for each outage: what follows says the same, every second.
            if not self._waits:
                event(logging.WARNING, "keeper waits for the database", reason=error)
            self._waits = True
            self._watcher.failed(error)
            return False
        except Exception as error:  # noqa: BLE001  logged, and the other duties go on
            # Without the keeper every lease of this worker would lapse.
            log.exception("a duty of the keeper broke")
            self._watcher.failed(error)
            self._broke = True
        return True

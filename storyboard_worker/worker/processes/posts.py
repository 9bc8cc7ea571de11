"""The places among the processes, each of which a process is to take."""

import logging
import signal
import time
from collections.abc import Callable

from storyboard_worker.logs import event
from storyboard_worker.worker.processes.children import Child, Death, Work, fork
from storyboard_worker.worker.processes.restarts import Restarts
from storyboard_worker.worker.processes.signals import Signals


class Post:
    """``on_death`` is called whenever a process that had it has ended.

    With ``release`` its process goes on after SIGTERM, and ends by what ``release`` does: others
    need it to their own end.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        on_death: Callable[[], object],
        release: Callable[[], object] | None = None,
    ) -> None:
        self.name = name
        self.release = release
        self._work = work
        self._on_death = on_death
        self._restarts = Restarts()
        self._child: Child | None = None
        self._died: Death | None = None
        self._due_at = float("-inf")

    @property
    def is_taken(self) -> bool:
        return self._child is not None

    @property
    def seconds_until_due(self) -> float | None:
        """When a process has to be started; ``None`` while one runs."""
        return None if self.is_taken else max(0.0, self._due_at - time.monotonic())

    def start(self, signals: Signals) -> None:
        """Fork its process. If the system has none to give, it is due again later."""
        try:
            self._child = fork(self.name, self._work, signals, self._died)
        except OSError as error:
            event(
                logging.WARNING,
                "a process cannot be started",
                process=self.name,
                reason=error.strerror,
                again_in_seconds=self._put_off(lived_seconds=0.0),
            )

    def signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.signal(number)

    def death(self) -> Death | None:
        """Of its process, if that has ended since the last look."""
        died = None if self._child is None else self._child.death()
        if died is not None:
            self._child, self._died = None, died
            self._on_death()
        return died

    def mourn(self, died: Death) -> None:
        """Its process has ended though nothing asked for it: another will take the post."""
        event(
            logging.ERROR,
            "a process ended by itself and is started again",
            process=self.name,
            pid=died.pid,
            ended=died.how,
            lived_seconds=died.lived_seconds,
            again_in_seconds=self._put_off(died.lived_seconds),
        )

    def _put_off(self, lived_seconds: float) -> float:
        seconds = self._restarts.wait_seconds(lived_seconds)
        self._due_at = time.monotonic() + seconds
        return seconds

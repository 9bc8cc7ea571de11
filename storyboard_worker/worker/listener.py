"""LISTEN, where the connection can; proven, because a pooler accepts it and stays silent."""

import logging
import random
import threading
from collections.abc import Callable

import psycopg

from storyboard_worker.database import Database
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import event, log
from storyboard_worker.queries.connection_kind import ConnectionKind, connection_kind
from storyboard_worker.queries.notifications import notifications_arrive
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.storyboard import NOTIFY_CHANNEL
from storyboard_worker.worker.ear import Ear
from storyboard_worker.worker.proofs import Proofs

RECONNECT_SECONDS = (1.0, 5.0)
# Behind a transaction pooler it will not work the next time either.
DEAF_RETRY_SECONDS = 600.0
# How often it looks whether a proof is overdue, and hears what a busy loop has left.
WAIT_SECONDS = 5.0


class Listener:
    """A thread that connects, proves that notifications arrive, and opens :attr:`ear` for the loop.

    It calls ``wake`` when it begins or ceases to hear, and for notifications that the loop has not
    heard itself. ``proofs`` are sent by the keeper. While they are heard, sessions may keep plans.
    ``on_found`` is called once, when the database has been reached: with the kind of connection,
    and whether notifications arrive.
    """

    def __init__(
        self,
        database: Database,
        register: WorkerRegister,
        wake: Callable[[], None],
        on_found: Callable[[ConnectionKind, bool], None],
    ) -> None:
        self._database = database
        self._register = register
        self.proofs = Proofs()
        self.ear = Ear(self.proofs)
        self._wake = wake
        self._on_found = on_found
        self._found = False
        self._listening = False
        self._told_deaf = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    @property
    def listening(self) -> bool:
        """Whether notifications have been proven to arrive."""
        return self._listening

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Hear no more; the thread ends with the process."""
        self._stopped.set()

    def _run(self) -> None:
        wait_seconds = 0.0
        while not self._stopped.wait(wait_seconds):
            wait_seconds = random.uniform(*RECONNECT_SECONDS)  # noqa: S311  only spreads load
            try:
                with self._database.listening(NOTIFY_CHANNEL) as connection:
                    listening = notifications_arrive(connection, self._register)
                    self._tell_found(listening=listening)
                    if listening:
                        self._hear(connection)
                    else:
                        self._tell_deaf()
                        wait_seconds = DEAF_RETRY_SECONDS
            except (DatabaseUnavailable, SchemaOutdated) as error:
                self._change_listening(listening=False, reason=str(error))
            except Exception:  # noqa: BLE001  logged, and listening is tried again
                # A thread that died here would leave the loop waiting for notifications.
                log.exception("the listener broke")
                self._change_listening(listening=False, reason="the listener broke")

    def _tell_found(self, *, listening: bool) -> None:
        if not self._found:
            self._on_found(connection_kind(self._database), listening)
            self._found = True

    def _hear(self, connection: psycopg.Connection) -> None:
        self.proofs.begin()
        self.ear.open(connection)
        self._change_listening(listening=True)
        try:
            while not self._stopped.is_set():
                self.ear.wait_for_break(WAIT_SECONDS)
                if self.ear.hear():
                    self._wake()
                if self.proofs.missed:
                    raise DatabaseUnavailable("notifications have ceased to arrive")
        finally:
            self.ear.close()
            self.proofs.end()

    def _change_listening(self, *, listening: bool, reason: str | None = None) -> None:
        if listening == self._listening:
            return
        self._listening = listening
        self._database.keep_plans(allowed=listening)
        if listening:
            event(logging.INFO, "listening for new rows")
        else:
            event(logging.WARNING, "listening ended, polling until it is back", reason=reason)
        self._wake()

    def _tell_deaf(self) -> None:
        self._change_listening(listening=False, reason="notifications do not arrive")
        if not self._told_deaf:
            self._told_deaf = True
            event(
                logging.WARNING,
                "polling: LISTEN does not work here, probably behind a transaction pooler; "
                "a direct connection or the session pooler (port 5432) starts rows sooner",
            )

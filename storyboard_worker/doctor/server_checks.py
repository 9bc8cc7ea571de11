"""The database server: reachable, near, of a supported version, by a suitable connection."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from storyboard_worker.database import Database
from storyboard_worker.doctor.check import Check, failed, passed, quoted, warned
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.connection_kind import ConnectionKind, connection_kind
from storyboard_worker.queries.inspection import Inspection, Refusal
from storyboard_worker.queries.notifications import notifications_arrive
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.storyboard import NOTIFY_CHANNEL

FAR_SECONDS = 0.1
OLDEST_VERSION, NEWEST_VERSION = 15, 18
MOST_CONNECTIONS_SHARE = 0.8
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 2.0, 60.0

MEANING = {
    ConnectionKind.DIRECT: "direct: new rows start at once (at Supabase it needs IPv6)",
    ConnectionKind.SESSION_POOLER: "session pooler: as good as direct",
    ConnectionKind.TRANSACTION_POOLER: "transaction pooler: everything works, but workers poll "
    "for new rows",
}

# Supabase's direct addresses; its poolers have other names.
IPV6_ONLY = re.compile(r"\bdb\.\w+\.supabase\.(co|com)\b")


class ServerChecks:
    def __init__(self, database: Database, register: WorkerRegister) -> None:
        self._database = database
        self._register = register
        self._inspection = Inspection(database)

    def reachable(self) -> Iterator[Check]:
        """Raises :class:`DatabaseUnavailable`: then nothing else about it can be looked at."""
        self._inspection.moment()
        started = time.monotonic()
        self._inspection.moment()
        seconds = time.monotonic() - started
        # A transaction takes a few round trips.
        if seconds > FAR_SECONDS:
            yield warned(
                "database",
                f"reachable, but a transaction takes {seconds * 1000:.0f} ms",
                "run the worker in the database's region",
            )
        else:
            yield passed("database", f"reachable, a transaction takes {seconds * 1000:.0f} ms")
        yield from self._version()
        yield from self._writing()

    def _version(self) -> Iterator[Check]:
        version = self._inspection.server_version()
        if version < OLDEST_VERSION:
            yield failed(
                "database version",
                f"PostgreSQL {version}",
                f"upgrade the server to {OLDEST_VERSION} or newer",
            )
        elif version > NEWEST_VERSION:
            yield warned(
                "database version",
                f"PostgreSQL {version}, newer than what this was tested with ({NEWEST_VERSION})",
                "look for a newer storyboard-worker",
            )
        else:
            yield passed("database version", f"PostgreSQL {version}")

    def _writing(self) -> Iterator[Check]:
        """Yields nothing where writing works, which is nearly always."""
        refusal = self._inspection.refusal()
        if refusal is None:
            return
        if refusal.is_standby:
            yield failed(
                "database writes",
                "this is a standby, which takes none",
                "set DATABASE_URL to the address of the primary",
            )
        else:
            yield failed(
                "database writes",
                f"transactions are read-only (set by {refusal.source}); Supabase does that when "
                "the disk is full, so first make room",
                _writable(refusal),
            )

    def connection(self) -> Iterator[Check]:
        kind = connection_kind(self._database)
        yield passed("connection", MEANING[kind])
        yield from self._listening(kind)

    def _listening(self, kind: ConnectionKind) -> Iterator[Check]:
        name = "notifications"
        try:
            with self._database.listening(NOTIFY_CHANNEL) as connection:
                heard = notifications_arrive(connection, self._register)
        except DatabaseUnavailable as error:
            yield failed(name, f"LISTEN is refused: {error}", "see the check «connections»")
            return
        if heard:
            yield passed(name, "LISTEN works: a notification to ourselves has arrived")
        elif kind is ConnectionKind.TRANSACTION_POOLER:
            yield warned(
                name,
                "none arrive here: workers poll every POLL_INTERVAL_SECONDS",
                "for an earlier start use the session pooler (port 5432) in DATABASE_URL",
            )
        else:
            yield failed(
                name,
                "LISTEN succeeds, but no notification arrives",
                "use the session pooler (port 5432) or a direct connection in DATABASE_URL",
            )

    def connections(self) -> Iterator[Check]:
        counted = self._inspection.connections()
        found = f"{counted.used} of {counted.most} in use"
        if counted.used > counted.most * MOST_CONNECTIONS_SHARE:
            yield warned(
                "connections",
                found,
                "SELECT application_name, usename, count(*) FROM pg_stat_activity "
                "GROUP BY 1, 2 ORDER BY 3 DESC; -- then close what is not needed",
            )
        else:
            yield passed("connections", found)

    def clock(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Check]:
        """How far it is from this machine's, accurate to half a round trip."""
        before = now()
        moment = self._inspection.moment()
        after = now()
        midway = before + (after - before) / 2
        difference = (midway - moment).total_seconds()
        found = f"this machine's differs from the database's by {abs(difference):.1f} s"
        fix = "timedatectl set-ntp true  # on the machine whose clock is wrong"
        if abs(difference) > CLOCK_FAIL_SECONDS:
            yield failed("clock", f"{found}: signatures may be refused", fix)
        elif abs(difference) > CLOCK_WARN_SECONDS:
            yield warned("clock", found, fix)
        else:
            yield passed("clock", found)


def unreachable(found: str) -> Check:
    """The failed check of a database that does not answer; ``found`` says why."""
    if IPV6_ONLY.search(found):
        fix = (
            "set DATABASE_URL to the session pooler's address, from Supabase, Connect: this one "
            "is reached over IPv6 only, which Railway and many others lack"
        )
    else:
        fix = "check DATABASE_URL, and whether the database is up and accepts this machine"
    return failed("database", found, fix)


def _writable(refusal: Refusal) -> str:
    setting = "default_transaction_read_only"
    if refusal.source == "database":
        change = f"ALTER DATABASE {quoted(refusal.database)} RESET {setting};"
    elif refusal.source == "user":
        change = f"ALTER ROLE {quoted(refusal.role)} RESET {setting};"
    elif refusal.source == "database user":
        role, database = quoted(refusal.role), quoted(refusal.database)
        change = f"ALTER ROLE {role} IN DATABASE {database} RESET {setting};"
    else:
        return f"ALTER SYSTEM RESET {setting}; SELECT pg_reload_conf();"
    return f"BEGIN READ WRITE; {change} COMMIT;"

"""What slows every queue in Postgres: transactions left open, and dead rows."""

from collections.abc import Iterator

from storyboard_worker.database import Database
from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.queries.inspection import Inspection

OPEN_WARN_SECONDS, OPEN_FAIL_SECONDS = 300.0, 3600.0
LOCKED_SECONDS = 10.0
MANY_DEAD = 50_000
DEAD_SHARE = 0.5


class UpkeepChecks:
    def __init__(self, database: Database) -> None:
        self._inspection = Inspection(database)

    def transactions(self) -> Iterator[Check]:
        name = "open transactions"
        prepared = self._inspection.prepared_transaction()
        if prepared is not None and prepared[1] > OPEN_WARN_SECONDS:
            gid = prepared[0].replace("'", "''")
            yield warned(
                "prepared transactions",
                f"one has been left for {prepared[1] / 60:.0f} min",
                f"ROLLBACK PREPARED '{gid}';",
            )
        oldest = self._inspection.oldest_transaction()
        if oldest is None or oldest.seconds <= OPEN_WARN_SECONDS:
            seconds = 0.0 if oldest is None else oldest.seconds
            yield passed(name, f"the oldest is {seconds:.0f} s old")
            return
        found = (
            f"one has been open for {oldest.seconds / 60:.0f} min ({oldest.state}, "
            f"{oldest.application or 'no application name'}): dead rows cannot be vacuumed"
        )
        fix = f"SELECT pg_terminate_backend({oldest.pid});"
        grave = oldest.seconds > OPEN_FAIL_SECONDS
        yield failed(name, found, fix) if grave else warned(name, found, fix)

    def lock(self) -> Iterator[Check]:
        """Yields nothing where the table is free, or locked for a moment only."""
        holder = self._inspection.lock_holder()
        if holder is not None and holder.seconds > LOCKED_SECONDS:
            yield failed(
                "table lock",
                f"storyboards has been locked for {holder.seconds:.0f} s ({holder.state}, "
                f"{holder.application or 'no application name'}): no worker can work",
                f"SELECT pg_terminate_backend({holder.pid});",
            )

    def vacuum(self) -> Iterator[Check]:
        name = "vacuum"
        health = self._inspection.table_health()
        if not health.autovacuum_on:
            yield failed(
                name,
                "autovacuum is off on this server",
                "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();",
            )
        if not health.autovacuum_on_for_table:
            yield failed(
                name,
                "autovacuum is off for storyboards",
                "ALTER TABLE public.storyboards RESET (autovacuum_enabled);",
            )
        found = f"{health.dead} dead rows beside {health.live} live ones"
        if health.dead > max(MANY_DEAD, health.live * DEAD_SHARE):
            yield warned(name, found, "VACUUM ANALYZE public.storyboards;")
        elif health.autovacuum_on and health.autovacuum_on_for_table:
            yield passed(name, found)

"""Claims and rescues stay cheap with a large backlog, most of which waits, and a history.

The statements are those that really run, planned without a look at their parameters, as a
server does when it keeps plans.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import scalar_row
from sqlalchemy import event

from storyboard_worker.database import Database
from storyboard_worker.errors import LeaseLost
from storyboard_worker.messages import Call, FixedStatement, Row
from storyboard_worker.models import Claim
from storyboard_worker.queries.claim_statements import claim_statement
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.upkeep import Upkeep
from tests.conftest import NewDatabase
from tests.integration.queries.working import IMAGE

# Triggers would cost most of the time, and what they do is given here.
LOAD = """
SET session_replication_role = replica;
INSERT INTO storyboards (source_url, available_at, source_expires_at)
SELECT 'https://host-' || n % 20 || '.example/' || n,
       now() + CASE WHEN n % 2 = 0 THEN interval '1 hour' ELSE interval '-1 hour' END,
       now() + make_interval(hours => 2, secs => n % 80000)
FROM generate_series(1, 200000) AS n;
INSERT INTO storyboards (source_url, status, attempts, cdn_url, finished_at)
SELECT 'https://images.example/' || n, 'ready', 1, 'https://cdn.example/' || n, now()
FROM generate_series(1, 50000) AS n;
INSERT INTO storyboards (source_url, status, attempts, claim_token, claimed_by, claimed_at,
                         lease_expires_at)
SELECT 'https://images.example/' || n, 'processing', 1, gen_random_uuid(), 'worker-1',
       now(), now() + interval '1 minute'
FROM generate_series(1, 64) AS n;
RESET session_replication_role;
ANALYZE storyboards;
"""

NOBODYS = Claim(
    id=uuid4(),
    token=uuid4(),
    source_url="https://images.example/a",
    attempt=1,
    max_attempts=8,
    seconds_until_expiry=None,
    seconds_since_due=0.0,
)

Plan = dict[str, Any]
Explain = Callable[[Callable[[Database], object]], list[Plan]]


class Noting(Database):
    """Keeps the statements that begin with ``WITH``, their parameters and settings."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.sent: list[FixedStatement] = []
        self._settings: dict[str, str] = {}
        event.listen(self._engine, "before_cursor_execute", self._note)

    def _note(self, _c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("BEGIN"):
            self._settings = {}
        if set_here := re.fullmatch(r"SET LOCAL (\w+) = (\w+)", statement):
            self._settings[set_here[1]] = set_here[2]
        if statement.startswith("WITH"):
            self.sent.append(FixedStatement(statement, parameters, dict(self._settings)))

    def run(self, call: Call[Row]) -> list[Row]:
        values = {**call.statement.constants, **call.values}
        self.sent.append(replace(call.statement, constants=values))
        return super().run(call)


@pytest.fixture(scope="module")
def backlog(new_database: NewDatabase, template: str) -> Iterator[str]:
    with new_database(template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(LOAD)
        yield dsn


@pytest.fixture
def explain(backlog: str) -> Iterator[Explain]:
    """The nodes of the plan of the one statement that a call sends."""
    database = Noting(backlog)
    with psycopg.connect(backlog, autocommit=True) as connection:

        def nodes(call: Callable[[Database], object]) -> list[Plan]:
            database.sent.clear()
            call(database)
            [statement] = database.sent
            return list(flattened(generic_plan(connection, statement)))

        yield nodes
    database.close()


def generic_plan(connection: psycopg.Connection, statement: FixedStatement) -> Plan:
    parameter = re.compile(r"%\((\w+)\)s")
    names = list(dict.fromkeys(parameter.findall(statement.text)))
    numbered = parameter.sub(lambda found: f"${names.index(found[1]) + 1}", statement.text)
    values = sql.SQL(", ").join(sql.Literal(statement.constants[name]) for name in names)
    connection.execute("RESET ALL")
    for name, value in statement.settings.items():
        connection.execute(f"SET {name} = {value}")
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute("DEALLOCATE ALL")
    connection.execute(f"PREPARE statement AS {numbered}")
    row = connection.execute(
        sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE statement ({})").format(values)
    ).fetchone()
    assert row is not None
    counted = connection.execute(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'statement'"
    )
    assert counted.fetchone() == (1, 0)
    plan: Plan = row[0][0]["Plan"]
    return plan


def flattened(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in plan.get("Plans", []):
        yield from flattened(child)


def claim(database: Database) -> object:
    return queue_on(database).claim(16)


def claim_without_hosts(database: Database) -> object:
    return queue_on(database).claim(16, without_hosts=["host-1.example", "host-2.example"])


def queue_on(database: Database) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="worker-1", lease_seconds=60, max_attempts=8)


@pytest.mark.parametrize("call", [claim, claim_without_hosts])
def test_a_claim_walks_along_its_index(
    explain: Explain, call: Callable[[Database], object]
) -> None:
    nodes = explain(call)
    # What was taken, no more rows than the limit, is put into order at the end.
    assert nodes[0]["Node Type"] == "Sort"
    assert nodes[0]["Plans"][-1]["CTE Name"] == "taken"
    kinds = [node["Node Type"] for node in nodes[1:]]
    assert "Seq Scan" not in kinds
    assert "Sort" not in kinds
    assert "Incremental Sort" not in kinds
    [walk] = [node for node in nodes if node.get("Index Name") == "storyboards_claim_idx"]
    assert walk["Node Type"] == "Index Scan"
    assert walk["Scan Direction"] == "Forward"
    # Rows that wait are skipped inside the index, without a visit to the table.
    assert "available_at <= now()" in walk["Index Cond"]


def test_a_claim_walks_along_its_index_even_without_statistics(
    new_database: NewDatabase, template: str
) -> None:
    """As after a bulk insert, before the server has looked at what came."""
    with new_database(template) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE storyboards SET (autovacuum_enabled = off)")
        connection.execute(
            "INSERT INTO storyboards (source_url)"
            " SELECT 'https://images.example/' || n FROM generate_series(1, 5000) AS n"
        )
        database = Noting(dsn)
        claim(database)
        [statement] = database.sent
        planned = replace(statement, text=f"EXPLAIN (FORMAT JSON) {statement.text}")
        [plan] = database.run(Call(planned, {}, scalar_row))
        database.close()
    nodes = list(flattened(plan[0]["Plan"]))
    [chosen] = [node for node in nodes if node.get("Subplan Name") == "CTE due"]
    kinds = [node["Node Type"] for node in flattened(chosen)]
    assert kinds == ["Limit", "LockRows", "Index Scan"]


def claim_onward(database: Database) -> object:
    """As after a claim, when to begin at the most urgent row has become slow."""
    reached = ("0", "2026-01-02 03:04:05+00", "2026-01-02 03:04:05+00", str(uuid4()))
    call = queue_on(database)._claiming._call(
        claim_statement(16, onward=True), "0f4e1a2b-77c0", reached
    )
    return database.run(call)


def test_a_claim_can_begin_in_the_middle_of_its_index(explain: Explain) -> None:
    [walk] = [
        node for node in explain(claim_onward) if node.get("Index Name") == "storyboards_claim_idx"
    ]
    assert walk["Node Type"] == "Index Scan"
    assert walk["Index Cond"].startswith("((ROW(")
    assert "available_at <= now()" in walk["Index Cond"]


def test_what_was_chosen_is_found_by_its_key(explain: Explain) -> None:
    nodes = explain(claim)
    [chosen] = [node for node in nodes if node.get("Subplan Name") == "CTE due"]
    assert [chosen["Node Type"], chosen["Plans"][0]["Node Type"]] == ["Limit", "LockRows"]
    assert "storyboards_pkey" in {node.get("Index Name") for node in nodes}


def complete(database: Database) -> None:
    with suppress(LeaseLost):
        queue_on(database).complete(NOBODYS, IMAGE)


def renew(database: Database) -> object:
    return queue_on(database).renew([NOBODYS])


@pytest.mark.parametrize("call", [complete, renew])
def test_a_claims_own_row_is_found_by_its_key(
    explain: Explain, call: Callable[[Database], object]
) -> None:
    nodes = explain(call)
    on_table = [node for node in nodes if node.get("Relation Name") == "storyboards"]
    read = {node.get("Index Name") for node in on_table if node["Node Type"] != "ModifyTable"}
    assert read == {"storyboards_pkey"}


@pytest.mark.parametrize("limit", [16, 500])
def test_a_rescue_looks_only_at_what_is_in_work(explain: Explain, limit: int) -> None:
    nodes = explain(lambda database: Upkeep(database, max_attempts=8).rescue(limit))
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert "storyboards_processing_idx" in {node.get("Index Name") for node in nodes}


def test_failing_what_has_expired_uses_the_claim_index(explain: Explain) -> None:
    nodes = explain(lambda database: Upkeep(database, max_attempts=8).expire(500))
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    [walk] = [node for node in nodes if node.get("Index Name") == "storyboards_claim_idx"]
    assert (
        "COALESCE(source_expires_at, 'infinity'::timestamp with time zone) <= now()"
        in (walk["Index Cond"])
    )

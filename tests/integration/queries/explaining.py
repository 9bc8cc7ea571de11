"""The server's plans for the statements that the worker sends, and the costs in them.

They are planned without a look at their parameters, as a server does when it keeps plans.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row
from sqlalchemy import event

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.one_round_trip import Call, Row

Node = dict[str, Any]
Send = Callable[[Database], object]

PARAMETER = re.compile(r"%\((\w+)\)s")
PLANNED_ONCE_AND_GENERIC = (
    "SELECT (generic_plans, custom_plans) = (1, 0) FROM pg_prepared_statements"
)
# psycopg's words for the type of a value that the server has to find out.
TYPES: dict[type, LiteralString] = {timedelta: "interval"}
CLAIM_INDEX = "storyboards_claim_idx"
TRIED_INDEX = "storyboards_tried_idx"
LOST_INDEX = "storyboards_lost_idx"
SETTING = re.compile(r"SET LOCAL (\w+) = (\w+)")


class Noting(Database):
    """Keeps the statements that it is asked to run, and their parameters."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.sent: list[FixedStatement] = []
        self._settings: dict[str, str] = {}
        event.listen(self._pool._engine, "before_cursor_execute", self._note)

    def _note(self, _c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("BEGIN"):
            self._settings = {}
        elif statement.startswith("SET LOCAL"):
            self._settings |= dict(SETTING.findall(statement))
        elif statement != "COMMIT" and not statement.startswith("SET TRANSACTION"):
            self.sent.append(FixedStatement(statement, parameters, dict(self._settings)))

    def run(self, call: Call[Row], *, durable: bool = True) -> list[Row]:
        self._note_call(call)
        return super().run(call, durable=durable)

    def run_all(self, calls: Sequence[Call[Any]]) -> list[list[Any]]:
        for call in calls:
            self._note_call(call)
        return super().run_all(calls)

    def _note_call(self, call: Call[Any]) -> None:
        values = {**call.statement.constants, **call.values}
        self.sent.append(replace(call.statement, constants=values))


@dataclass(frozen=True)
class Explained:
    """The output of EXPLAIN. Above ``jit_above_cost`` a plan is compiled where JIT is on."""

    nodes: list[Node]
    compiles: bool
    jit_above_cost: float

    @property
    def cost(self) -> float:
        return float(self.nodes[0]["Total Cost"])

    @property
    def kinds(self) -> list[str]:
        return [node["Node Type"] for node in self.nodes]

    @property
    def on_claim_index(self) -> list[Node]:
        return self.on_index(CLAIM_INDEX)

    def on_index(self, name: str) -> list[Node]:
        return [node for node in self.nodes if node.get("Index Name") == name]

    def of_cte(self, name: str) -> list[Node]:
        """The nodes of the plan that make the CTE."""
        [top] = [node for node in self.nodes if node.get("Subplan Name") == f"CTE {name}"]
        return list(_flattened(top))


class Explainer:
    """For one database."""

    def __init__(self, database: Noting, connection: psycopg.Connection) -> None:
        self._database = database
        self._connection = connection

    def each(self, send: Send) -> list[Explained]:
        """For each statement that ``send`` sends."""
        self._database.sent.clear()
        send(self._database)
        return [self._generic(statement) for statement in self._database.sent]

    def one(self, send: Send) -> Explained:
        [explained] = self.each(send)
        return explained

    def as_sent(self, send: Send) -> Explained:
        """Planned in a whole transaction for the given parameters, and not run."""
        self._database.sent.clear()
        send(self._database)
        [statement] = self._database.sent
        planned = replace(statement, text=f"EXPLAIN (FORMAT JSON) {statement.text}")
        [found] = self._database.run(Call(planned, {}, scalar_row))
        return self._explained(found)

    def _generic(self, statement: FixedStatement) -> Explained:
        self._connection.execute("RESET ALL")
        for name, value in statement.settings.items():
            self._connection.execute(f"SET {name} = {value}")
        self._connection.execute("SET plan_cache_mode = force_generic_plan")
        self._connection.execute("DEALLOCATE ALL")
        arguments = self._prepare(statement)
        found = self._ask(sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE prepared") + arguments)
        assert self._ask(PLANNED_ONCE_AND_GENERIC)
        return self._explained(found)

    def _prepare(self, statement: FixedStatement) -> sql.Composed:
        """Returns the values for an EXECUTE."""
        names = list(dict.fromkeys(PARAMETER.findall(statement.text)))
        numbered = PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement.text)
        values = [statement.constants[name] for name in names]
        types = [sql.SQL(TYPES.get(type(value), "unknown")) for value in values]
        head = sql.SQL("PREPARE prepared") + _listed(types)
        self._connection.execute(f"{head.as_string()} AS {numbered}")
        return _listed([sql.Literal(value) for value in values])

    def _explained(self, found: Any) -> Explained:
        limit = float(self._ask("SHOW jit_above_cost"))
        return Explained(list(_flattened(found[0]["Plan"])), "JIT" in found[0], limit)

    def _ask(self, query: LiteralString | sql.Composed) -> Any:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def explaining(dsn: str) -> Iterator[Explainer]:
    database = Noting(dsn)
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        yield Explainer(database, connection)
    database.close()


def _listed(parts: Sequence[sql.Composable]) -> sql.Composed:
    """The text inside brackets, which must not be empty."""
    inner = sql.SQL(", ").join(parts)
    return sql.SQL("({})").format(inner) if parts else sql.Composed([])


def _flattened(plan: Node) -> Iterator[Node]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _flattened(child)

"""A server with JIT does not compile the worker's statements, whatever their cost.

The tests' own server has no JIT: ``python -m tests.debian_postgres -- python -m pytest …``.
"""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import conninfo, sql

from tests.integration.queries.explaining import Explainer, Send, explaining
from tests.integration.queries.often_sent import AFTER_OUTAGES, EVERY_CLAIM, LOOKS, RANKS


@pytest.fixture
def eager_to_compile(dsn: str) -> Iterator[Explainer]:
    """A database whose server compiles everything that it can."""
    name = sql.Identifier(str(conninfo.conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT pg_jit_available()").fetchone() != (True,):
            pytest.skip("this Postgres has no JIT")
        compile_all = sql.SQL("ALTER DATABASE {} SET jit_above_cost = 0").format(name)
        connection.execute(compile_all)
        with explaining(dsn) as explainer:
            yield explainer
        connection.execute(sql.SQL("ALTER DATABASE {} RESET jit_above_cost").format(name))


@pytest.mark.parametrize("send", [*EVERY_CLAIM, *RANKS, *AFTER_OUTAGES, *LOOKS])
def test_nothing_is_compiled(eager_to_compile: Explainer, send: Send) -> None:
    assert not eager_to_compile.as_sent(send).compiles

"""The database needs twice the time for twice the URL, and not four times.

The trigger reads a URL of any length before the table's CHECKs can refuse it.
"""

import time
from typing import Any

import psycopg
import pytest
from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from storyboard_worker.queries.columns import may_be_pending, source_host

LENGTH = 100_000
RUNS = 3
MOST_GROWTH = 2.5
FLOOR_SECONDS = 0.004
MEASUREMENTS = 5

URLS = {
    "users": ("https://", ":@", "]"),
    "brackets": ("https://[", "[", "]"),
    "labels": ("https://", "a.", ":"),
    "colons": ("https://", ":", "@"),
    "schemes": ("https://u:", "a://", "@"),
    "queries": ("https://h/?", "?X-Tos-Date=", "]"),
    "dates": ("https://h/?", "&X-Tos-Date=20250910T015921Z", "x"),
    "half dates": ("https://h/?", "?X-Amz-Date=2025", "#"),
    "lifetimes": ("https://h/?", "&X-Goog-Expires=1234567890", " "),
    "ampersands": ("https://h/?", "&", "=1&sig=2"),
    "moments": ("https://h/?sig=1&se=", "2031-05-06T08%3A00%3A00Z", ""),
    "many moments": ("https://h/?", "sig=1&se=2031-05-06T08%3A00Z&", ""),
    "escapes": ("https://h/?q-sign-time=", "%3B", ""),
    "epochs": ("https://h/?Signature=1&Expires=", "1935904089", ""),
    "fragments": ("https://h/?", "#", " "),
}


def sql_of(expression: ColumnElement[Any]) -> str:
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    text = str(expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return text.replace("public.storyboards.", "")


CHECKS = """
SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conrelid = 'storyboards'::regclass AND contype = 'c' AND conname LIKE '%source%'
"""


@pytest.fixture(scope="module")
def expressions(lasting: psycopg.Connection) -> list[str]:
    """Each statement reads the columns ``source_url`` and ``status``."""
    checks = [row[0] for row in lasting.execute(CHECKS)]
    assert len(checks) == 3
    ours = [sql_of(source_host), sql_of(may_be_pending)]
    return ["public.storyboard_source_expiry(source_url)", *checks, *ours]


@pytest.mark.parametrize("repeated", URLS)
def test_twice_the_url_takes_twice_the_time(
    lasting: psycopg.Connection, expressions: list[str], repeated: str
) -> None:
    before, part, after = URLS[repeated]
    with lasting.transaction(force_rollback=True):
        lasting.execute("CREATE TEMP TABLE tried (source_url text, status text, times integer)")
        for times in (1, 2):
            url = before + part * (times * LENGTH // len(part)) + after
            lasting.execute("INSERT INTO tried VALUES (%s, 'pending', %s)", [url, times])
        for expression in expressions:
            assert_linear(lasting, expression)


def assert_linear(connection: psycopg.Connection, expression: str) -> None:
    once, twice = 0.0, 0.0
    for _ in range(MEASUREMENTS):
        once, twice = (least_seconds(connection, expression, times) for times in (1, 2))
        if twice <= MOST_GROWTH * once + FLOOR_SECONDS:
            return
    raise AssertionError(f"{once:.4f} s, then {twice:.4f} s: {expression}")


def least_seconds(connection: psycopg.Connection, expression: str, times: int) -> float:
    statement = f"SELECT count({expression}) FROM tried WHERE times = {times}".encode()
    measured = []
    for _ in range(RUNS):
        began = time.perf_counter()
        connection.execute(statement)
        measured.append(time.perf_counter() - began)
    return min(measured)


def test_a_time_that_grows_faster_is_noticed(lasting: psycopg.Connection) -> None:
    """The time grows with the cube, so a disturbed measurement makes no difference."""
    numbers = "generate_series(1, times * 80)"
    cube = f"(SELECT sum(a + b + c) FROM {numbers} AS a, {numbers} AS b, {numbers} AS c)"
    with lasting.transaction(force_rollback=True):
        lasting.execute("CREATE TEMP TABLE tried AS SELECT * FROM (VALUES (1), (2)) AS row (times)")
        with pytest.raises(AssertionError, match=r"s, then .* s"):
            assert_linear(lasting, cube)

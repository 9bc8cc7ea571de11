"""The database needs twice the time for twice the URL, and not four times.

The trigger reads a URL of any length before the table's CHECKs can refuse it. What counts is the
time of the server's processor, so other processes on a busy machine do not matter.
"""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from storyboard_worker.queries.columns import may_be_pending, source_host

LENGTH = 100_000
MOST_GROWTH = 2.5
# For one measurement. A time that grows with the square takes far more.
FLOOR_SECONDS = 0.004
MEASUREMENTS = 5
USED = re.compile(r"([\d.]+) s user, ([\d.]+) s system, .* elapsed")

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


class Meter:
    """Measures statements on its connection, whose server tells what each has used."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._details: list[str] = []

    def note(self, told: psycopg.errors.Diagnostic) -> None:
        if told.message_primary == "EXECUTOR STATISTICS":
            self._details.append(told.message_detail or "")

    def seconds(self, expression: str, times: int) -> float:
        """How long the server's processor takes for the expression."""
        self._details.clear()
        statement = f"SELECT count({expression}) FROM tried WHERE times = {times}"
        self.connection.execute(statement.encode())
        (detail,) = self._details
        used = USED.search(detail)
        assert used is not None, detail
        return sum(map(float, used.groups()))


@pytest.fixture
def meter(lasting: psycopg.Connection) -> Iterator[Meter]:
    """What is done on its connection is rolled back."""
    meter = Meter(lasting)
    lasting.add_notice_handler(meter.note)
    with lasting.transaction(force_rollback=True):
        lasting.execute("SET LOCAL client_min_messages = log")
        lasting.execute("SET LOCAL log_executor_stats = on")
        yield meter
    lasting.remove_notice_handler(meter.note)


@pytest.fixture(scope="module")
def expressions(lasting: psycopg.Connection) -> list[str]:
    """Each statement reads the columns ``source_url`` and ``status``."""
    checks = [row[0] for row in lasting.execute(CHECKS)]
    assert len(checks) == 3
    ours = [sql_of(source_host), sql_of(may_be_pending)]
    return ["public.storyboard_source_expiry(source_url)", *checks, *ours]


@pytest.mark.parametrize("repeated", URLS)
def test_twice_the_url_takes_twice_the_time(
    meter: Meter, expressions: list[str], repeated: str
) -> None:
    before, part, after = URLS[repeated]
    create = "CREATE TEMP TABLE tried (source_url text, status text, times integer)"
    meter.connection.execute(create)
    for times in (1, 2):
        url = before + part * (times * LENGTH // len(part)) + after
        meter.connection.execute("INSERT INTO tried VALUES (%s, 'pending', %s)", [url, times])
    for expression in expressions:
        assert_linear(meter, expression)


def assert_linear(meter: Meter, expression: str) -> None:
    once, twice = 0.0, 0.0
    for _ in range(MEASUREMENTS):
        once, twice = (meter.seconds(expression, times) for times in (1, 2))
        if twice <= MOST_GROWTH * once + FLOOR_SECONDS:
            return
    raise AssertionError(f"{once:.4f} s, then {twice:.4f} s: {expression}")


def test_a_time_that_grows_faster_is_noticed(meter: Meter) -> None:
    """The time grows with the cube, so a disturbed measurement makes no difference."""
    numbers = "generate_series(1, times * 60)"
    cube = f"(SELECT sum(a + b + c) FROM {numbers} AS a, {numbers} AS b, {numbers} AS c)"
    rows = "SELECT * FROM (VALUES (1), (2)) AS row (times)"
    meter.connection.execute(f"CREATE TEMP TABLE tried AS {rows}".encode())
    with pytest.raises(AssertionError, match=r"s, then .* s"):
        assert_linear(meter, cube)

"""Claims and other frequent statements stay cheap.

The table has a large backlog, most of which waits, and a history.
"""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.queries.upkeep import Upkeep
from tests.integration.queries.explaining import (
    CLAIM_INDEX,
    LOST_INDEX,
    TRIED_INDEX,
    Explained,
    Explainer,
    Send,
    explaining,
)
from tests.integration.queries.often_sent import (
    AFTER_OUTAGES,
    CLAIMS,
    CLAIMS_OF_LOST,
    CLAIMS_OF_TRIED,
    ENDS,
    EVERY_CLAIM,
    LOOKS,
    OTHERS,
    RANKS,
    claim,
    claim_onward,
    complete,
    expire,
    probe,
    renew,
    retry,
)
from tests.support.databases import NewDatabase

# Triggers would cost most of the time, and the values that they set are given here.
LOAD = """
SET session_replication_role = replica;
INSERT INTO storyboards (source_url, available_at, source_expires_at)
SELECT 'https://host-' || n % 20 || '.example/' || n,
       now() + CASE WHEN n % 2 = 0 THEN interval '1 hour' ELSE interval '-1 hour' END,
       now() + make_interval(hours => 2, secs => n % 80000)
FROM generate_series(1, 200000) AS n;
INSERT INTO storyboards (source_url, attempts, error_code, error_message, available_at)
SELECT 'https://host-' || n % 20 || '.example/' || n, 1, 'source_timeout', 'no',
       now() + make_interval(mins => n % 20 - 10)
FROM generate_series(1, 2000) AS n;
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

# The state after a bulk insert, before the server has gathered statistics.
LOAD_WITHOUT_STATISTICS = """
ALTER TABLE storyboards SET (autovacuum_enabled = off);
SET session_replication_role = replica;
INSERT INTO storyboards (source_url, source_expires_at)
SELECT 'https://host-' || n % 20 || '.example/' || n, now() + make_interval(hours => 2, secs => n)
FROM generate_series(1, 100000) AS n;
"""


@pytest.fixture(scope="module")
def backlog(new_database: NewDatabase, template: str) -> Iterator[Explainer]:
    with new_database(template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(LOAD)
        with explaining(dsn) as explainer:
            yield explainer


@pytest.fixture(scope="module")
def without_statistics(new_database: NewDatabase, template: str) -> Iterator[Explainer]:
    with new_database(template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(LOAD_WITHOUT_STATISTICS)
        with explaining(dsn) as explainer:
            yield explainer


def assert_claims_along(explained: Explained, index: str = CLAIM_INDEX) -> None:
    chosen = explained.of_cte("due")
    kinds = [node["Node Type"] for node in chosen]
    assert kinds == ["Limit", "Subquery Scan", "Limit", "LockRows", "Index Scan"]
    [walk] = explained.on_index(index)
    assert walk is chosen[-1]
    assert walk["Scan Direction"] == "Forward"
    # Rows that wait are skipped inside the index, without a visit to the table.
    assert "available_at <= now()" in walk["Index Cond"]
    # The worker puts the rows taken in order.
    assert explained.nodes[0]["CTE Name"] == "taken"
    assert not {"Sort", "Incremental Sort", "Seq Scan"} & set(explained.kinds)


INDEXES = [
    *((send, CLAIM_INDEX) for send in CLAIMS),
    *((send, TRIED_INDEX) for send in CLAIMS_OF_TRIED),
    *((send, LOST_INDEX) for send in CLAIMS_OF_LOST),
]


@pytest.mark.parametrize(("send", "index"), INDEXES)
def test_a_claim_walks_along_its_index(backlog: Explainer, send: Send, index: str) -> None:
    assert_claims_along(backlog.one(send), index)
    assert_claims_along(backlog.as_sent(send), index)


@pytest.mark.parametrize(("send", "index"), INDEXES)
def test_a_claim_walks_along_its_index_even_without_statistics(
    without_statistics: Explainer, send: Send, index: str
) -> None:
    assert_claims_along(without_statistics.as_sent(send), index)


@pytest.mark.parametrize("send", [claim_onward, probe])
def test_a_claim_can_begin_in_the_middle_of_its_index(backlog: Explainer, send: Send) -> None:
    [walk] = backlog.one(send).on_claim_index
    assert walk["Index Cond"].startswith("((ROW(")
    assert "available_at <= now()" in walk["Index Cond"]


@pytest.mark.parametrize("send", RANKS)
def test_the_ends_of_the_backlog_are_those_of_the_index(backlog: Explainer, send: Send) -> None:
    for explained in (backlog.one(send), backlog.as_sent(send)):
        assert explained.kinds == ["Limit", "Index Scan"]
        assert explained.on_claim_index


@pytest.mark.parametrize("send", AFTER_OUTAGES)
def test_a_recall_after_an_outage_looks_only_at_rows_that_were_tried(
    backlog: Explainer, without_statistics: Explainer, send: Send
) -> None:
    for explained in (backlog.one(send), backlog.as_sent(send), without_statistics.as_sent(send)):
        assert not {"Seq Scan", "Bitmap Heap Scan"} & set(explained.kinds)
        assert explained.on_index(TRIED_INDEX)
        assert not explained.on_claim_index


def test_chosen_rows_are_found_by_their_key(backlog: Explainer) -> None:
    indexes = {node.get("Index Name") for node in backlog.one(claim).nodes}
    assert "storyboards_pkey" in indexes


@pytest.mark.parametrize("send", [complete, retry, renew])
def test_a_claims_own_row_is_found_by_its_key(backlog: Explainer, send: Send) -> None:
    explained, *_ = backlog.each(send)
    on_table = [node for node in explained.nodes if node.get("Relation Name") == "storyboards"]
    read = {node.get("Index Name") for node in on_table if node["Node Type"] != "ModifyTable"}
    assert read == {"storyboards_pkey"}


@pytest.mark.parametrize("limit", [16, 500])
def test_a_rescue_looks_only_at_rows_in_work(backlog: Explainer, limit: int) -> None:
    explained = backlog.one(lambda database: Upkeep(database, max_attempts=8).rescue(limit))
    assert "Seq Scan" not in explained.kinds
    indexes = {node.get("Index Name") for node in explained.nodes}
    # Both lead to the rows of one status.
    assert indexes & {"storyboards_processing_idx", "storyboards_board_idx"}


@pytest.mark.parametrize("send", LOOKS)
def test_looks_at_the_backlog_use_the_claim_index(backlog: Explainer, send: Send) -> None:
    for explained in (backlog.one(send), backlog.as_sent(send)):
        assert not {"Seq Scan", "Bitmap Heap Scan", "Sort"} & set(explained.kinds)
        assert explained.on_claim_index


def test_failing_expired_rows_finds_them_in_the_claim_index(backlog: Explainer) -> None:
    [walk] = backlog.one(expire).on_claim_index
    expired = "COALESCE(source_expires_at, 'infinity'::timestamp with time zone) <= now()"
    assert expired in walk["Index Cond"]


@pytest.mark.parametrize("send", [*EVERY_CLAIM, *RANKS, *AFTER_OUTAGES, *LOOKS, *ENDS, *OTHERS])
def test_no_frequent_statement_is_costly_enough_to_be_compiled(
    backlog: Explainer, without_statistics: Explainer, send: Send
) -> None:
    """On a server with JIT, which is on by default, compiling takes longer than running."""
    for explained in [*backlog.each(send), *without_statistics.each(send)]:
        assert not explained.compiles
        assert explained.cost < explained.jit_above_cost

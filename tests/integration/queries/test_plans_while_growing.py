"""Plans that sessions keep from a time of few rows suit the many that come later.

The server plans anew only when it has new statistics, which may come minutes later.
"""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.next_due import NextDue
from tests.integration.queries.explaining import Explainer, Send, explaining
from tests.integration.queries.often_sent import (
    ENDS,
    claim,
    claim_lost,
    claim_onward,
    claim_tried,
    look,
)
from tests.integration.queries.working import IMAGE
from tests.support.databases import NewDatabase

# Nearly all rows are ready, as on most days: the planner takes none to be pending.
NONE_PENDING = """
ALTER TABLE storyboards SET (autovacuum_enabled = off);
SET session_replication_role = replica;
INSERT INTO storyboards (source_url, status, attempts, cdn_url, finished_at)
SELECT 'https://images.example/' || n, 'ready', 1, 'https://cdn.example/' || n, now()
FROM generate_series(1, 20000) AS n;
RESET session_replication_role;
ANALYZE storyboards;
"""
MANY_PENDING = """
INSERT INTO storyboards (source_url)
SELECT 'https://images.example/' || n FROM generate_series(1, 300) AS n
"""
OF_CLAIMS = {"storyboards_claim_idx", "storyboards_tried_idx", "storyboards_lost_idx"}
KEY = "storyboards_pkey"


@pytest.fixture(scope="module")
def dsn_without_pending(new_database: NewDatabase, template: str) -> Iterator[str]:
    with new_database(template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(NONE_PENDING)
        yield dsn


@pytest.fixture(scope="module")
def none_pending(dsn_without_pending: str) -> Iterator[Explainer]:
    with explaining(dsn_without_pending) as explainer:
        yield explainer


@pytest.mark.parametrize("send", [claim, claim_onward, claim_tried, claim_lost, look, *ENDS])
def test_a_plan_reads_no_more_than_its_rows(none_pending: Explainer, send: Send) -> None:
    """Along an index of claims, or by the key. Nothing is sorted that may be much."""
    explained, *_ = none_pending.each(send)
    indexes = {node["Index Name"] for node in explained.nodes if "Index Name" in node}
    assert indexes
    assert indexes <= {*OF_CLAIMS, KEY}
    assert not {"Sort", "Seq Scan", "Bitmap Heap Scan"} & set(explained.kinds)


def test_sessions_keep_these_plans(dsn_without_pending: str) -> None:
    database = Database(dsn_without_pending, max_connections=1)
    database.keep_plans(allowed=True)
    queue = StoryboardQueue(database, worker_id="worker-1", lease_seconds=60)
    assert queue.claim(4) == []
    with psycopg.connect(dsn_without_pending, autocommit=True) as producer:
        producer.execute(MANY_PENDING)
    claims = queue.claim(4)
    _, more = queue.end_all([(one, IMAGE) for one in claims], claim=16)
    assert (len(claims), len(more)) == (4, 16)
    assert NextDue(database).anything_due()
    with database.connect() as connection:
        counts = connection.exec_driver_sql(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements ORDER BY 1"
        ).all()
    database.close()
    # The look, the ends, and three claims with two limits.
    assert [tuple(count) for count in counts] == [(1, 0), (1, 0), (3, 0)]

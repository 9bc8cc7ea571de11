"""What the board reads costs little, however many rows there are.

Each page is read along an index in the order of the page. So the server sorts nothing, and
looks at no more rows than the bound.
"""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.board.causes import BoardCauses
from storyboard_worker.queries.board.changes import PanelChanges, Top
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.lives import PanelLives
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.board.summary import BoardSummary
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.storyboard import Status
from tests.integration.queries.explaining import Explained, Explainer, explaining
from tests.support.databases import NewDatabase
from tests.support.producing import A_MOMENT, CLAIM

PLACE = Place(A_MOMENT, CLAIM["claim_token"])

LOAD = """
SET session_replication_role = replica;
INSERT INTO storyboards (source_url, project_id, status, created_at, cdn_url, finished_at,
                         error_code, errored_at,
                         claim_token, claimed_by, claimed_at, lease_expires_at)
SELECT 'https://host-' || n % 20 || '.example/' || n,
       CASE WHEN n % 2 = 0 THEN 'large' ELSE 'small-' || n % 500 END,
       status, timestamptz '2026-01-02' + make_interval(secs => n),
       CASE status WHEN 'ready' THEN 'https://cdn.example/' || n END,
       CASE WHEN status IN ('ready', 'failed') THEN now() END,
       CASE status WHEN 'failed' THEN 'source_timeout' END,
       CASE status WHEN 'failed' THEN now() END,
       CASE status WHEN 'processing' THEN gen_random_uuid() END,
       CASE status WHEN 'processing' THEN 'worker-1' END,
       CASE status WHEN 'processing' THEN now() END,
       CASE status WHEN 'processing' THEN now() END
FROM generate_series(1, 60000) AS n,
     LATERAL (SELECT CASE n % 10 WHEN 0 THEN 'pending' WHEN 1 THEN 'failed' WHEN 2 THEN 'processing'
              ELSE 'ready' END AS status) AS chosen;
RESET session_replication_role;
"""


def loaded(dsn: str, *, analyzed: bool) -> Iterator[Explainer]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE storyboards SET (autovacuum_enabled = off)")
        connection.execute(LOAD)
        if analyzed:
            connection.execute("VACUUM ANALYZE storyboards")
    with explaining(dsn) as explainer:
        yield explainer


@pytest.fixture(scope="module", params=["analyzed", "without statistics"])
def table(
    request: pytest.FixtureRequest, new_database: NewDatabase, template: str
) -> Iterator[Explainer]:
    with new_database(template) as dsn:
        yield from loaded(dsn, analyzed=request.param == "analyzed")


BOARD, PROJECT, CODE, CAUSE = (
    "storyboards_board_idx",
    "storyboards_board_project_idx",
    "storyboards_code_idx",
    "storyboards_cause_idx",
)
FILTERS = [
    (PanelFilter(), BOARD),
    (PanelFilter(state=Status.READY), BOARD),
    (PanelFilter(host="host-1.example"), BOARD),
    (PanelFilter(text="nothing like it"), BOARD),
    (PanelFilter(state=Status.FAILED, host="host-1.example"), BOARD),
    (PanelFilter(project="large"), PROJECT),
    (PanelFilter(project="small-7", state=Status.FAILED, error_code="source_timeout"), PROJECT),
    (PanelFilter(error_code="source_timeout"), CODE),
    (PanelFilter(error_code="source_timeout", text="x"), CODE),
    (PanelFilter(error_code="source_timeout", host="host-1.example"), CAUSE),
]


def first(which: PanelFilter, database: Database) -> object:
    return PanelPages(database).first(which)


def older(which: PanelFilter, database: Database) -> object:
    return PanelPages(database).older(which, PLACE)


def newer(which: PanelFilter, database: Database) -> object:
    return PanelPages(database).newer(which, PLACE)


DIRECTIONS = (first, older, newer)


@pytest.mark.parametrize(("which", "index"), FILTERS)
def test_a_page_is_read_along_its_index(table: Explainer, which: PanelFilter, index: str) -> None:
    for read in DIRECTIONS:
        for explained in of_rows(table.each(partial(read, which))):
            assert_walks(explained, index)


def of_rows(each: list[Explained]) -> list[Explained]:
    """Without the question whether rows are hidden, which follows an empty page."""
    return [one for one in each if reads_rows(one)]


def reads_rows(explained: Explained) -> bool:
    return any(node.get("Relation Name") == "storyboards" for node in explained.nodes)


def assert_walks(explained: Explained, index: str) -> None:
    read = {node["Index Name"] for node in explained.nodes if "Index Name" in node}
    assert read == {index, "storyboards_pkey"}
    assert not {"Seq Scan", "Bitmap Heap Scan", "Gather", "Gather Merge", "Sort"} & set(
        explained.kinds
    )
    walks = explained.on_index(index)
    assert all("status = " in node["Index Cond"] or index in {CODE, CAUSE} for node in walks)


def test_no_page_is_costly_enough_to_be_compiled(table: Explainer) -> None:
    """On a server with JIT, which is on by default, compiling takes longer than running."""
    for which, _ in FILTERS:
        for explained in table.each(partial(first, which)):
            assert not explained.compiles
            assert explained.cost < explained.jit_above_cost


def test_the_other_reads_look_at_few_rows(table: Explainer) -> None:
    def summary(database: Database) -> object:
        return BoardSummary(database, WorkerRegister(database, lease_seconds=60)).read()

    ids = {CLAIM["claim_token"]: A_MOMENT}
    for send in (
        summary,
        lambda database: BoardCauses(database).read(),
        lambda database: PanelChanges(database).since(ids),
        lambda database: PanelChanges(database).since({}, Top(PanelFilter(), PLACE)),
        lambda database: PanelLives(database).read(CLAIM["claim_token"]),
    ):
        for explained in table.each(send):
            scans = [node for node in explained.nodes if node["Node Type"] == "Seq Scan"]
            assert not [node for node in scans if node["Relation Name"] == "storyboards"]


def test_a_search_is_limited_where_it_walks(table: Explainer) -> None:
    """No filter stands between a walk and its limit, so rows that do not fit count as well."""
    for which, index in FILTERS:
        for explained in of_rows(table.each(partial(first, which))):
            places = [explained.nodes.index(walk) for walk in explained.on_index(index)]
            assert {explained.kinds[place - 1] for place in places} == {"Limit"}
            assert not any("Filter" in explained.nodes[place] for place in places)

"""Pages of panels by key: none lost, none twice, in both directions."""

from uuid import UUID

import psycopg
import pytest
from psycopg import conninfo

from storyboard_worker.database import Database
from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.pages import Page, PanelPages
from storyboard_worker.queries.board.places import Place
from storyboard_worker.storyboard import Status
from tests.integration.queries.board.paging import add_panels, ids, to_the_beginning, to_the_end
from tests.support.producing import OUTCOME, READY, change, delete, enqueue, storyboard

ALL = PanelFilter()


def flat(pages: list[Page]) -> list[UUID]:
    return [id_ for page in pages for id_ in ids(page)]


@pytest.mark.parametrize("of_one_moment", [1, 40])
@pytest.mark.parametrize("size", [1, 7, 20, 60])
def test_each_panel_stands_on_one_page(
    database: Database, producer: psycopg.Connection, size: int, of_one_moment: int
) -> None:
    """Also where so many rows share a moment that a page ends among them."""
    newest_first = add_panels(producer, 40, of_one_moment=of_one_moment)[::-1]
    read = list(to_the_end(PanelPages(database, size=size), ALL))
    assert flat(read) == newest_first
    assert {len(page.panels) for page in read[:-1]} <= {size}
    assert (read[0].newer, read[-1].older) == (None, None)


@pytest.mark.parametrize("looked_at", [8, 13])
def test_the_way_back_shows_the_same_pages(
    database: Database, producer: psycopg.Connection, looked_at: int
) -> None:
    add_panels(producer, 60, of_one_moment=4)
    pages = PanelPages(database, size=7, looked_at=looked_at)
    for which in (ALL, PanelFilter(text="images.example/1")):
        there = list(to_the_end(pages, which))
        back = list(to_the_beginning(pages, which, there[-1]))
        shown = set(flat(back)) | set(ids(there[-1]))
        assert shown == set(flat(there)), which
        assert back[-1] == there[0]


def test_the_way_back_is_the_same_page_by_page(
    database: Database, producer: psycopg.Connection
) -> None:
    add_panels(producer, 35)
    pages = PanelPages(database, size=7)
    there = list(to_the_end(pages, ALL))
    back = list(to_the_beginning(pages, ALL, there[-1]))
    assert [ids(page) for page in back] == [ids(page) for page in there[-2::-1]]


def test_rows_that_are_added_while_one_reads_disturb_no_page(
    database: Database, producer: psycopg.Connection
) -> None:
    there_before = add_panels(producer, 40)
    pages = PanelPages(database, size=7)
    read = list(to_the_end(pages, ALL, between=lambda: enqueue(producer)))
    assert flat(read) == there_before[::-1]
    back = list(to_the_beginning(pages, ALL, read[-1]))
    assert len(set(flat(back)) | set(ids(read[-1]))) == 40 + len(read)


def test_a_place_outlives_its_row(database: Database, producer: psycopg.Connection) -> None:
    newest_first = add_panels(producer, 9)[::-1]
    pages = PanelPages(database, size=3)
    place = pages.first(ALL).older
    assert place is not None
    delete(producer, place.id)
    assert ids(pages.older(ALL, place)) == newest_first[3:6]
    assert ids(pages.newer(ALL, place)) == [*newest_first[:2], newest_first[3]]


def test_a_page_near_the_beginning_is_the_first_page(
    database: Database, producer: psycopg.Connection
) -> None:
    add_panels(producer, 9)
    pages = PanelPages(database, size=4)
    first = pages.first(ALL)
    second = pages.older(ALL, Place(first.panels[1].created_at, first.panels[1].id))
    assert second.newer is not None
    assert pages.newer(ALL, second.newer) == first


def test_a_search_that_finds_nothing_goes_on_where_it_stopped(
    database: Database, producer: psycopg.Connection
) -> None:
    oldest, *_ = add_panels(producer, 50)
    change(producer, oldest, error_message="the needle")
    pages = PanelPages(database, size=5, looked_at=20)
    read = list(to_the_end(pages, PanelFilter(text="needle")))
    assert [(len(page.panels), page.is_cut_short) for page in read] == [
        (0, True),
        (0, True),
        (1, False),
    ]
    assert read[-1].panels[0].id == oldest


def test_a_panel_says_what_its_row_and_the_view_say(
    pages: PanelPages, producer: psycopg.Connection
) -> None:
    source_url = "https://me:secret@images.example:8443/a/panel.jpeg?X-Tos-Signature=abc#d"
    id_ = enqueue(producer, source_url, project_id="<b>p</b>", position=7, **READY)
    [panel] = pages.first(ALL).panels
    row = storyboard(producer, id_)
    same = ("project_id", "position", "width", "height", "attempts", "created_at", "updated_at")
    assert {name: getattr(panel, name) for name in same} == {name: row[name] for name in same}
    assert (panel.id, panel.state, panel.picture_url) == (id_, Status.READY, OUTCOME["cdn_url"])
    assert (panel.message, panel.can_retry) == ("Storyboard is ready", False)
    assert panel.source_shown == "https://images.example:8443/a/panel.jpeg"
    assert panel.host == "images.example"


def test_the_picture_stays_while_the_next_one_is_made(
    pages: PanelPages, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer, **READY)
    change(producer, id_, status="pending")
    [panel] = pages.first(ALL).panels
    assert (panel.cdn_url, panel.picture_url) == (None, OUTCOME["cdn_url"])


def test_hidden_rows_are_not_taken_for_none(
    pages: PanelPages, dsn: str, producer: psycopg.Connection
) -> None:
    assert pages.first(ALL) == Page([], None, None, is_cut_short=False)
    enqueue(producer)
    producer.execute("GRANT SELECT ON storyboards, storyboard_progress TO anon")
    try:
        hidden = Database(conninfo.make_conninfo(dsn, options="-c role=anon"))
        with pytest.raises(RowsHidden):
            PanelPages(hidden).first(ALL)
        hidden.close()
    finally:
        producer.execute("REVOKE SELECT ON storyboards, storyboard_progress FROM anon")

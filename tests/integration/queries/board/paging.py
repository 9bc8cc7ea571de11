"""Reading all pages, one after the other."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg

from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.pages import Page, PanelPages
from tests.support.producing import moment

MOST_PAGES = 200


def to_the_end(
    pages: PanelPages, which: PanelFilter, between: Callable[[], object] = lambda: None
) -> Iterator[Page]:
    """The pages from the first to the last; ``between`` runs after each."""
    page = pages.first(which)
    for _ in range(MOST_PAGES):
        yield page
        between()
        if page.older is None:
            return
        page = pages.older(which, page.older)
    raise AssertionError("the pages do not end")


def to_the_beginning(pages: PanelPages, which: PanelFilter, page: Page) -> Iterator[Page]:
    """The pages on the newer side of ``page``, up to the first."""
    for _ in range(MOST_PAGES):
        if page.newer is None:
            return
        page = pages.newer(which, page.newer)
        yield page
    raise AssertionError("the pages do not end")


def ids(page: Page) -> list[UUID]:
    return [panel.id for panel in page.panels]


def add_panels(producer: psycopg.Connection, count: int, *, of_one_moment: int = 1) -> list[UUID]:
    """Rows, oldest first; so many share a moment. Every third one is ready, every fifth failed."""
    found = producer.execute(
        """
        INSERT INTO storyboards (source_url, project_id, created_at, status, cdn_url, error_code,
                                 errored_at)
        SELECT 'https://images.example/' || n, 'p', %(now)s - make_interval(secs => %(count)s)
                   + make_interval(secs => n / %(of_one_moment)s),
               CASE WHEN n %% 3 = 0 THEN 'ready' WHEN n %% 5 = 0 THEN 'failed' ELSE 'pending' END,
               CASE WHEN n %% 3 = 0 THEN 'https://cdn.example/' || n END,
               CASE WHEN n %% 3 > 0 AND n %% 5 = 0 THEN 'source_timeout' END,
               CASE WHEN n %% 3 > 0 AND n %% 5 = 0 THEN %(now)s END
        FROM generate_series(1, %(count)s) AS n RETURNING id, created_at
        """,
        {"now": moment(producer), "count": count, "of_one_moment": of_one_moment},
    ).fetchall()
    return [id_ for id_, _ in sorted(found, key=lambda row: (row[1], row[0]))]

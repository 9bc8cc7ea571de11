"""One worker with the board and one browser, for all tests of this folder.

The rows of a test belong to a project of its own, since the tests share the database.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from playwright.sync_api import Browser

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.support.board_browser import TOKEN
from tests.support.chromium import chromium
from tests.support.database_url import url_of
from tests.support.databases import NewDatabase
from tests.support.film import Film
from tests.support.ports import free_port
from tests.support.running_worker import RunningWorker, worker_settings
from tests.support.watched_visits import Visit, watched_visits


@dataclass(frozen=True)
class BoardStage:
    """A worker that serves the board at ``url``, its database, and both upstreams."""

    url: str
    dsn: str
    origin: Origin
    cloudinary: Cloudinary


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def stage(browser: Browser, new_database: NewDatabase, template: str) -> Iterator[BoardStage]:
    """It asks for the browser first, so that nothing is started in vain where there is none."""
    port = free_port()
    with new_database(template) as dsn, Origin() as origin, Cloudinary() as cloudinary:
        settings = worker_settings(url_of(dsn), cloudinary)
        worker = RunningWorker({**settings, "PORT": str(port), "BOARD_TOKEN": TOKEN})
        try:
            worker.wait_for_log("listening for new rows")
            yield BoardStage(f"http://127.0.0.1:{port}", dsn, origin, cloudinary)
        finally:
            worker.stop_for_good()
        worker.assert_no_exception_logged()


@pytest.fixture
def visit(browser: Browser, stage: BoardStage) -> Iterator[Visit]:
    # The origin serves the page of a web app.
    ours = (stage.url, stage.cloudinary.url, stage.origin.url)
    with watched_visits(browser, stage.url, ours) as visit:
        yield visit


@pytest.fixture
def dsn(stage: BoardStage) -> str:
    return stage.dsn


@pytest.fixture
def origin(stage: BoardStage) -> Origin:
    return stage.origin


@pytest.fixture
def cloudinary(stage: BoardStage) -> Cloudinary:
    return stage.cloudinary


@pytest.fixture
def board_url(stage: BoardStage) -> str:
    return stage.url


@pytest.fixture
def film(producer: psycopg.Connection, origin: Origin) -> Film:
    """A project for the test's own panels."""
    return Film(producer, origin)

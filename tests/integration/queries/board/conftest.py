"""The classes of ``storyboard_worker.queries.board`` on a database without rows."""

import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.board.causes import BoardCauses
from storyboard_worker.queries.board.changes import PanelChanges
from storyboard_worker.queries.board.lives import PanelLives
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.board.summary import BoardSummary
from storyboard_worker.queries.workers import WorkerRegister


@pytest.fixture
def pages(database: Database) -> PanelPages:
    return PanelPages(database)


@pytest.fixture
def changes(database: Database) -> PanelChanges:
    return PanelChanges(database)


@pytest.fixture
def lives(database: Database) -> PanelLives:
    return PanelLives(database)


@pytest.fixture
def causes(database: Database) -> BoardCauses:
    return BoardCauses(database)


@pytest.fixture
def summary(database: Database) -> BoardSummary:
    return BoardSummary(database, WorkerRegister(database, lease_seconds=60))

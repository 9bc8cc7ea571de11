"""The board of a worker that does not run."""

from uuid import UUID

import psycopg
import pytest

from tests.integration.web.served import Serve, Served
from tests.support.board_browser import TOKEN, Browser
from tests.support.producing import FAILED, READY, WAITING, enqueue


@pytest.fixture
def board(serve: Serve) -> Served:
    return serve(board_token=TOKEN)


@pytest.fixture
def browser(board: Served) -> Browser:
    """Signed in."""
    return Browser(board.port).sign_in()


@pytest.fixture
def mixed(producer: psycopg.Connection) -> dict[str, UUID]:
    return {
        "tale": enqueue(producer, project_id="tale", **FAILED),
        "gone": enqueue(producer, project_id="tale", **{**FAILED, "error_code": "source_expired"}),
        "other": enqueue(producer, "https://b.example/x.png", project_id="other", **FAILED),
        "ready": enqueue(producer, project_id="tale", **READY),
        "waiting": enqueue(producer, project_id="other", **WAITING),
    }

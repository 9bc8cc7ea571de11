"""The board of a worker that does not run."""

import pytest

from tests.integration.web.served import Serve, Served
from tests.support.board_browser import TOKEN, Browser


@pytest.fixture
def board(serve: Serve) -> Served:
    return serve(board_token=TOKEN)


@pytest.fixture
def browser(board: Served) -> Browser:
    """Signed in."""
    return Browser(board.port).sign_in()

"""What the board reads and does, put together on connections of its own."""

from storyboard_worker.cli.assembly import Assembly
from storyboard_worker.queries.board.causes import BoardCauses
from storyboard_worker.queries.board.changes import PanelChanges
from storyboard_worker.queries.board.lives import PanelLives
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.board.retrying import PanelRetry
from storyboard_worker.queries.board.summary import BoardSummary
from storyboard_worker.queries.progress import StoryboardProgress
from storyboard_worker.web.board.reads import BoardReads

# The rows that one step of «retry all» locks.
RETRIED_AT_ONCE = 500


def board_reads(parts: Assembly) -> BoardReads:
    """``parts`` are for the board alone, so that it cannot take the connections of other work."""
    database = parts.database
    return BoardReads(
        pages=PanelPages(database),
        lives=PanelLives(database),
        changes=PanelChanges(database),
        retries=PanelRetry(parts.rows, PanelPages(database, size=RETRIED_AT_ONCE)),
        progress=StoryboardProgress(database),
        summary=BoardSummary(database, parts.register),
        causes=BoardCauses(database),
    )

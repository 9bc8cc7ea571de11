"""Row-level security without a policy shows no rows, and says nothing of it."""

from sqlalchemy import Connection, select

from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.columns import HIDDEN, rows_are_hidden


def check_rows_are_seen(connection: Connection) -> None:
    """To be called where nothing was found. Raises :class:`RowsHidden`."""
    if connection.scalar(select(rows_are_hidden)):
        raise RowsHidden(HIDDEN)

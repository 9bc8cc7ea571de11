"""Row-level security without a policy hides all rows without an error."""

from sqlalchemy import Connection, select

from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.columns import HIDDEN, rows_are_hidden


def check_rows_are_seen(connection: Connection) -> None:
    """Raises :class:`RowsHidden` if row-level security hides the storyboards.

    Call it when a query has found no row.
    """
    if connection.scalar(select(rows_are_hidden)):
        raise RowsHidden(HIDDEN)

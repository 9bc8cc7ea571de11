"""A read that cannot disturb the work: it ends soon, and it walks along indexes."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from storyboard_worker.database import Database
from storyboard_worker.queries.columns import ALONG_AN_INDEX
from storyboard_worker.queries.inspection import read_only

# The planner would rather read all rows of a state and sort them than walk along them for as long
# as a search may last, although most searches end early.
PLANNER = {**ALONG_AN_INDEX, "enable_sort": "off"}
# A read takes some milliseconds. One that takes so long meets a server in trouble.
STATEMENT_SECONDS = 2.0
SETTINGS = {"statement_timeout": str(round(STATEMENT_SECONDS * 1000)), **PLANNER}
# The same for a read that is sent as one message, see :meth:`Database.run_all`.
IN_ONE_MESSAGE = {"transaction_read_only": "on", **SETTINGS}


@contextmanager
def short_read(database: Database) -> Iterator[Connection]:
    """A transaction that reads only. The server ends a statement after STATEMENT_SECONDS.

    Raises what :meth:`Database.transaction` raises; a statement that takes too long raises
    :class:`DatabaseUnavailable`.
    """
    with read_only(database) as connection:
        connection.exec_driver_sql(
            "; ".join(f"SET LOCAL {name} = {value}" for name, value in SETTINGS.items())
        )
        yield connection

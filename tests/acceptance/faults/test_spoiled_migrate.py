"""`migrate` with its exchanges spoiled still ends at the newest version."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from storyboard_worker.database.schema import newest_revision
from tests.acceptance.faults.databases import Databases
from tests.acceptance.faults.spoiled_command import Commands, Ran
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending
from tests.support.databases import NewDatabase
from tests.support.exchanges import Step
from tests.support.producing import enqueue

VERSION = "SELECT version_num FROM storyboard_worker_version"

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@pytest.fixture
def databases(new_database: NewDatabase) -> Iterator[Databases]:
    def empty(connection: psycopg.Connection) -> None:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")

    with ExitStack() as stack:
        yield Databases(stack, new_database, "template1", empty)


@pytest.mark.parametrize("ending", Ending)
def test_migrate(ending: Ending, databases: Databases, commands: Commands) -> None:
    def spoil(spoiling: Spoiling | None) -> Ran:
        with databases.one() as (dsn, direct):
            fault = None if spoiling is None else spoiling.fault()
            ran = commands.run(dsn, "migrate", fault=fault)
            result = ran.ended()
            assert result.code == 0, ran.told()
            assert direct.execute(VERSION).fetchall() == [(newest_revision(),)]
            enqueue(direct)
        return ran

    steps = checked(spoil(None).exchanges)
    assert_all_bear(telling(steps), ending, spoil)


def telling(steps: list[Step]) -> list[Step]:
    """The first and the last exchange of each kind. For a fault those in between are alike."""
    last = {step.kind: step for step in steps}
    return [step for step in steps if step.occurrence == 1 or step == last[step.kind]]

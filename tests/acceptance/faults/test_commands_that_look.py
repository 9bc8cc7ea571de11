"""`status`, `list`, `show` and `failures`, with each of their exchanges spoiled."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from tests.acceptance.faults.spoiled_command import Commands
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending
from tests.support.producing import FAILED, enqueue

ID = UUID("5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a")

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


COMMANDS = ("status", "list", f"show {ID}", "failures")


@pytest.mark.parametrize("ending", Ending)
def test_they_answer_all_the_same(
    ending: Ending, dsn: str, producer: psycopg.Connection, commands: Commands
) -> None:
    enqueue(producer, id=ID)
    enqueue(producer, **FAILED)

    def look(command: str) -> None:
        arguments = [*command.split(), "--json"]
        well = commands.run(dsn, *arguments)

        def spoil(spoiling: Spoiling) -> None:
            ran = commands.run(dsn, *arguments, fault=spoiling.fault())
            result = ran.ended()
            assert result.code == 0, ran.told()
            assert shape(result.json) == shape(well.ended().json)

        assert_all_bear(checked(well.exchanges), ending, spoil, at_once=4)

    with ThreadPoolExecutor(len(COMMANDS)) as threads:
        for looked in [threads.submit(look, command) for command in COMMANDS]:
            looked.result()


def shape(answer: object) -> object:
    """The answer without the values that change with the time."""
    if isinstance(answer, dict):
        return {name: value for name, value in answer.items() if not name.endswith("_seconds")}
    return answer

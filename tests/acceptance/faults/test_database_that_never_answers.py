"""Commands before a server or a pooler that reads everything and never answers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.faults.spoiled_command import Commands, Ran
from tests.support.database_proxy import DatabaseProxy
from tests.support.producing import URL

# They try for half a minute, as long as all other tests of this room together take.
IMPATIENT = """
from storyboard_worker.cli import assembly
assembly.CHANGING_SECONDS = 5.0
"""
PATIENCE_SECONDS = 5.0
COMMANDS = ("status", "migrate", "retry --all-failed", f"enqueue {URL}", "sweep", "list")


@pytest.mark.parametrize("silence", ["from the start", "after the login"])
def test_they_end_with_69(silence: str, empty_dsn: str, commands: Commands) -> None:
    def run(command: str) -> Ran:
        with DatabaseProxy(empty_dsn) as proxy:
            if silence == "from the start":
                proxy.silence()
            else:
                proxy.silence_after_login()
            return commands.run_at(proxy, *command.split(), changes=IMPATIENT)

    with ThreadPoolExecutor(len(COMMANDS)) as threads:
        for command, ran in zip(COMMANDS, threads.map(run, COMMANDS), strict=True):
            result = ran.ended(within_seconds=PATIENCE_SECONDS + 5)
            assert result.code == 69, f"{command}: {ran.told()}"
            assert "Error: the database" in result.err, f"{command}: {ran.told()}"

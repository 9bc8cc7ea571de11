"""What ``sweep`` and ``run`` say where the machine is short of something."""

import sys
from collections.abc import Callable, Iterator

import psycopg
import pytest

from storyboard_worker.demo.faults import Chunked
from storyboard_worker.demo.origin import Origin
from tests.acceptance.commands.running import StoryboardWorker
from tests.acceptance.commands.tallies import tally
from tests.acceptance.panels import all_rows, enqueue_panels
from tests.acceptance.waiting import statuses

NO_SPOOL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from storyboard_worker import spool
spool.MEMORY_BYTES = 1000
"""
NO_DESCRIPTORS = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
"""
RUN = "\nfrom storyboard_worker.cli import main\nmain()"

ShortOf = Callable[[str], StoryboardWorker]


@pytest.fixture
def short_of(settings: dict[str, str]) -> Iterator[ShortOf]:
    commands = []

    def make(changes: str) -> StoryboardWorker:
        commands.append(StoryboardWorker(settings, (sys.executable, "-c", changes + RUN)))
        return commands[-1]

    yield make
    for command in commands:
        command.close()


def test_a_sweep_gives_back_what_it_lacks_something_for_and_raises_the_alarm_once(
    short_of: ShortOf, producer: psycopg.Connection, origin: Origin
) -> None:
    spooled = enqueue_panels(producer, origin, 3, [Chunked(always=True)], prefix="spooled")
    enqueue_panels(producer, origin, 3)
    swept = []
    for _ in range(2):
        swept.append(short_of(NO_SPOOL)("sweep", "--json"))
        producer.execute("UPDATE storyboards SET available_at = now() WHERE status = 'pending'")
    first, second = map(tally, swept)
    assert [result.code for result in swept] == [1, 0]
    (alarm,) = first["alarms"]
    assert alarm.startswith("This worker lacks room for the spool (")
    assert second["alarms"] == []
    assert (first["ready"], first["released"], first["failed"]) == (3, 3, 0)
    assert (second["ready"], second["released"], second["complete"]) == (0, 3, False)
    assert statuses(producer) == {"ready": 3, "pending": 3}
    waiting = {row["id"]: row["attempts"] for row in all_rows(producer) if not row["cdn_url"]}
    assert waiting == dict.fromkeys(spooled, 0)


def test_where_nothing_can_be_copied_the_setting_is_named(short_of: ShortOf) -> None:
    ended = short_of(NO_DESCRIPTORS)("run")
    assert ended.code == 2
    (line,) = ended.error_lines
    assert "WORKER_CONCURRENCY=16" in line
    assert "12 open files" in line
    assert "ulimit -n" in line

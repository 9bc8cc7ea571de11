"""What ``sweep`` and ``run`` say when the machine lacks a resource."""

import sys
from collections.abc import Callable, Iterator

import psycopg
import pytest

from storyboard_worker.demo.faults import Chunked
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_command import FreshStoryboardWorker
from tests.support.tallies import tally
from tests.support.waiting import statuses

NO_SPOOL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from storyboard_worker.transfer import spool
spool.MEMORY_BYTES = 1000
"""
NO_DESCRIPTORS = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
"""
RUN = "\nfrom storyboard_worker.cli import main\nmain()"

ShortOf = Callable[[str], FreshStoryboardWorker]


@pytest.fixture
def short_of(settings: dict[str, str]) -> Iterator[ShortOf]:
    commands = []

    def make(changes: str) -> FreshStoryboardWorker:
        commands.append(FreshStoryboardWorker(settings, (sys.executable, "-c", changes + RUN)))
        return commands[-1]

    yield make
    for command in commands:
        command.close()


def test_a_sweep_raises_the_alarm_once_and_gives_the_rows_back(
    short_of: ShortOf, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panels(producer, origin, 3)
    first = short_of(NO_SPOOL)("sweep", "--json")
    spooled = enqueue_panels(producer, origin, 3, [Chunked(always=True)], prefix="spooled")
    second = short_of(NO_SPOOL)("sweep", "--json")
    assert (first.code, second.code) == (1, 0)
    told, done = tally(first), tally(second)
    (alarm,) = told["alarms"]
    assert alarm.startswith("This worker lacks room for the spool (")
    assert done["alarms"] == []
    assert (told["ready"], told["released"]) == (3, 0)
    assert (done["released"], done["failed"], done["complete"]) == (3, 0, False)
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

"""What a process and its children take of the machine, taken together."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard_worker.web.metrics.machine import CPU, MEMORY, STARTED, OfAll, of_one

OPEN_FDS = "storyboard_process_open_fds"
# A parent whose child waits for its input, and ends by its end.
FAMILY = """
import os, sys, time
reading, writing = os.pipe()
child = os.fork()
if not child:
    os.close(writing)
    ends_at = time.process_time() + 0.3
    while time.process_time() < ends_at:
        pass
    os.read(reading, 1)
    os._exit(0)
print(child, flush=True)
sys.stdin.readline()
os.close(writing)
os.waitpid(child, 0)
print("ended", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def values(collector: OfAll) -> dict[str, float]:
    return {family.name: family.samples[0].value for family in collector.collect()}


def resident_bytes(pid: int) -> int:
    """With all that it shares (proc_pid_statm(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_children_are_added_and_shared_memory_counts_once(parent: subprocess.Popen[str]) -> None:
    assert parent.stdin is not None
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    children = [child]
    both = OfAll(parent.pid, lambda: children)
    assert values(both).keys() == {family.name for family in of_one().collect()}
    # The system counts it in ticks, and may miss some.
    while values(both)[CPU] < 0.05:
        pass

    together, alone, other = (
        values(both),
        *(values(OfAll(pid, list)) for pid in (parent.pid, child)),
    )
    assert together[OPEN_FDS] == alone[OPEN_FDS] + other[OPEN_FDS]
    assert together[STARTED] == alone[STARTED]
    assert together[MEMORY] == pytest.approx(alone[MEMORY] + other[MEMORY], rel=0.1)
    assert together[MEMORY] < 0.8 * (resident_bytes(parent.pid) + resident_bytes(child))

    before = values(both)[CPU]
    parent.stdin.write("\n")
    parent.stdin.flush()
    assert parent.stdout.readline() == "ended\n"
    # Its processor time is kept, though its process is gone.
    assert values(both)[CPU] >= before
    assert values(OfAll(parent.pid, list))[CPU] >= 0.05


def test_the_time_that_a_reading_misses_does_not_lower_the_counter() -> None:
    collector = OfAll(1, list)
    collector._most_cpu_seconds = 1e9
    assert values(collector)[CPU] == 1e9

"""What the process takes of the machine: processor, memory, descriptors."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

NAMESPACE = "storyboard"
CPU = "storyboard_process_cpu_seconds"
MEMORY = "storyboard_process_resident_memory_bytes"
STARTED = "storyboard_process_start_time_seconds"

PROC = Path("/proc")
SHARE_OF_MEMORY = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)
# Times of children that have ended, in /proc/PID/stat, counted after the program's name
# (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
TIMES_OF_ENDED_CHILDREN = slice(13, 15)


def of_one() -> Collector:
    """Of this process."""
    return ProcessCollector(namespace=NAMESPACE, registry=None)


class OfAll(Collector):
    """Of the process ``parent`` and its ``children`` together.

    Memory that they share counts once, and so does the processor time of children that have ended.
    The start is the parent's.
    """

    def __init__(self, parent: int, children: Callable[[], Sequence[int]]) -> None:
        self._parent = parent
        self._children = children
        self._most_cpu_seconds = 0.0

    def collect(self) -> Iterator[Metric]:
        families = _families(self._parent)
        sums = defaultdict(float, {CPU: _ended_children_seconds(self._parent)})
        for found in (families, *map(_families, self._children())):
            for name, family in found.items():
                sums[name] += _value(family)
        # A child that ends between two readings is missed once. A counter must not fall.
        self._most_cpu_seconds = sums[CPU] = max(self._most_cpu_seconds, sums[CPU])
        for name, family in families.items():
            value = _value(family) if name == STARTED else sums[name]
            family.samples = [family.samples[0]._replace(value=value)]
            yield family


def _families(pid: int) -> dict[str, Metric]:
    """Nothing of a process that has ended."""
    collector = ProcessCollector(namespace=NAMESPACE, pid=lambda: pid, registry=None)
    families = {family.name: family for family in collector.collect()}
    if MEMORY in families:
        with suppress(OSError):
            families[MEMORY].samples = [
                families[MEMORY].samples[0]._replace(value=_share_of_memory_bytes(pid))
            ]
    return families


def _value(family: Metric) -> float:
    return float(family.samples[0].value)


def _share_of_memory_bytes(pid: int) -> float:
    """Of each page its share. Raises :class:`OSError` where the system does not tell it."""
    found = SHARE_OF_MEMORY.search((PROC / str(pid) / "smaps_rollup").read_bytes())
    if found is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(found[1]) * 1024


def _ended_children_seconds(pid: int) -> float:
    try:
        stat = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, stat[TIMES_OF_ENDED_CHILDREN])) / os.sysconf("SC_CLK_TCK")

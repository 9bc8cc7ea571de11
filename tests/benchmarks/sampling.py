"""CPU time and memory of processes, from /proc."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.1

# The places of the values in /proc/PID/stat, counted after the program's name.
OWN_TIMES = slice(11, 13)
TIMES_WITH_ENDED_CHILDREN = slice(11, 15)


@dataclass(frozen=True)
class Sample:
    """The sums at one moment. CPU counts from the first sample on."""

    seconds: float
    cpu_seconds: float
    resident_megabytes: float
    stored: int


class Sampler:
    """Looks at some processes together, every :data:`SAMPLE_SECONDS` at the most."""

    def __init__(self, pids: Sequence[int]) -> None:
        self.samples: list[Sample] = []
        self._pids = pids
        self._began_at = time.monotonic()
        self._cpu_before = cpu_seconds(pids)
        self._next_at = 0.0

    def look(self, stored: int) -> None:
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + SAMPLE_SECONDS
        self.samples.append(
            Sample(
                seconds=now - self._began_at,
                cpu_seconds=cpu_seconds(self._pids) - self._cpu_before,
                resident_megabytes=resident_megabytes(self._pids),
                stored=stored,
            )
        )


def trees(pids: Sequence[int]) -> list[int]:
    """The processes and their children."""
    return [one for pid in pids for one in (pid, *_children(pid))]


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time so far."""
    return sum(_ticks(pid, OWN_TIMES) for pid in pids) / TICKS_PER_SECOND


def family_cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children, including children that have ended."""
    ticks = _ticks(pid, TIMES_WITH_ENDED_CHILDREN)
    for child in _children(pid):
        try:
            ticks += _ticks(child, OWN_TIMES)
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has just ended. Its parent counts it the next time
    return ticks / TICKS_PER_SECOND


def resident_megabytes(pids: Sequence[int]) -> float:
    return sum(_status_megabytes(pid, "VmRSS") for pid in pids)


def shared_megabytes(pids: Sequence[int]) -> float:
    """Resident memory, each page of it shared among those that have it (PSS)."""
    return sum(_kilobytes(pid, "smaps_rollup", "Pss") for pid in pids) / 1024


def peak_megabytes(pids: Sequence[int]) -> float:
    """The sum of the peaks of resident memory."""
    return sum(_status_megabytes(pid, "VmHWM") for pid in pids)


def name_and_parent(pid: int) -> tuple[str, int]:
    """Raises :class:`FileNotFoundError` when there is no such process."""
    return _status(pid, "Name"), int(_status(pid, "PPid"))


def _ticks(pid: int, fields: slice) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, stat[fields]))


def _status_megabytes(pid: int, name: str) -> float:
    return _kilobytes(pid, "status", name) / 1024


def _kilobytes(pid: int, file: str, name: str) -> int:
    return int(_found(pid, file, name))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _status(pid: int, name: str) -> str:
    return _found(pid, "status", name)


def _found(pid: int, file: str, name: str) -> str:
    """The first word after the name."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split()[1]
    raise ProcessLookupError(f"process {pid} has ended")

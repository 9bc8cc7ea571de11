"""Processor cores: how many this process may keep busy."""

import math
import os
from pathlib import Path

# Quota and period of control groups, version 2, as a container sees its own
# (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files).
CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cpu_max: Path = CPU_MAX) -> int:
    """The cores that the process may run on, and no more than its container's quota keeps busy."""
    allowed = _allowed_cores()
    quota = _quota_cores(cpu_max)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _allowed_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # macOS does not have it.
        return os.cpu_count() or 1


def _quota_cores(cpu_max: Path) -> float | None:
    """``None`` where there is no quota."""
    try:
        quota, period = cpu_max.read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):
        # No such file, or its quota is the word «max».
        return None

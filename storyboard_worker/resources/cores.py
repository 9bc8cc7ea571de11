"""Processor cores: how many this process may keep busy."""

import math
import os
from pathlib import Path

# Quota and period of control groups as a container sees its own: in one file in version 2
# (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files), in two in version 1
# (https://docs.kernel.org/scheduler/sched-bwc.html#management).
CGROUP = Path("/sys/fs/cgroup")
VERSION_2 = ("cpu.max",)
VERSION_1 = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")


def usable_cores(cgroup: Path = CGROUP) -> int:
    """The cores that the process may run on, and no more than its container's quota keeps busy."""
    allowed = _allowed_cores()
    quota = _quota_cores(cgroup)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _allowed_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # macOS does not have it.
        return os.cpu_count() or 1


def _quota_cores(cgroup: Path) -> float | None:
    """``None`` where there is no quota."""
    for files in (VERSION_2, VERSION_1):
        try:
            quota, period = " ".join((cgroup / file).read_text() for file in files).split()
            cores = int(quota) / int(period)
        except (OSError, ValueError):
            # No such file, or its quota is the word «max».
            continue
        # Version 1 writes -1 for none.
        return cores if cores > 0 else None
    return None

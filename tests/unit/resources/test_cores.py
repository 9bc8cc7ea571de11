"""How many cores the process may keep busy."""

import os
from pathlib import Path

import pytest

from storyboard_worker.resources.cores import usable_cores


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("250000 100000", 3),
        ("20000 100000", 1),
        ("9900000 100000", 8),
        ("nonsense", 8),
    ],
)
@pytest.mark.usefixtures("eight_cores")
def test_a_quota_limits_them(cpu_max: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(f"{cpu_max}\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("200000", 2), ("250000", 3)])
@pytest.mark.usefixtures("eight_cores")
def test_a_quota_of_the_first_version_limits_them_too(
    quota: str, cores: int, tmp_path: Path
) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("eight_cores")
def test_without_control_groups_all_allowed_ones_count(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8

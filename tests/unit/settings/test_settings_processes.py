"""PROCESSES beside WORKER_CONCURRENCY, which the processes share."""

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.resources.cores import usable_cores
from storyboard_worker.settings import processes as reading
from storyboard_worker.settings.processes import SUSPECTS_SHARE
from storyboard_worker.settings.reading import read_settings
from storyboard_worker.worker.processes.shares import shares


def processes(raw: str, concurrency: str = "16") -> int:
    variables = {
        "DATABASE_URL": "embedded",
        "PROCESSES": raw,
        "WORKER_CONCURRENCY": concurrency,
    }
    return read_settings(variables).processes


@pytest.mark.parametrize(("slots", "most"), [("1", 1), ("7", 1), ("8", 2), ("15", 3), ("16", 4)])
def test_each_needs_four_slots(slots: str, most: int) -> None:
    """So that rows that have failed before take no more than a quarter of all."""
    assert processes(str(most), slots) == most
    with pytest.raises(
        SettingsError, match=rf"^PROCESSES .* up to {most} \(WORKER_CONCURRENCY is {slots}, "
    ):
        processes(str(most + 1), slots)


@pytest.mark.parametrize(("slots", "count"), [(8, 2), (15, 3), (16, 4), (63, 5)])
def test_suspects_have_a_quarter_of_all_slots_at_most(slots: int, count: int) -> None:
    of_each = shares(slots, processes(str(count), str(slots)))
    assert sum(max(1, share // SUSPECTS_SHARE) for share in of_each) <= slots / 4


def test_auto_is_one_for_each_core_that_has_four_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes("auto", "1000") == usable_cores()
    monkeypatch.setattr(reading, "usable_cores", lambda: 16)
    assert [processes("auto", slots) for slots in ("1", "3", "16", "64")] == [1, 1, 4, 16]


@pytest.mark.parametrize("raw", ["0", "-1", "1.5", "all", "9" * 5000])
def test_anything_else_is_refused(raw: str) -> None:
    with pytest.raises(SettingsError, match=r"^PROCESSES must be .*, or auto: one for each core$"):
        processes(raw)

"""The slots of each process."""

import pytest

from storyboard_worker.worker.processes.shares import shares


@pytest.mark.parametrize(
    ("slots", "processes", "each"),
    [
        (16, 1, [16]),
        (16, 3, [6, 5, 5]),
        (16, 4, [4, 4, 4, 4]),
        (3, 3, [1, 1, 1]),
    ],
)
def test_they_are_shared_evenly(slots: int, processes: int, each: list[int]) -> None:
    assert shares(slots, processes) == each

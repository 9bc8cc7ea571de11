"""When a process that died is started again."""

from storyboard_worker.worker.processes.restarts import LONG_LIFE_SECONDS, Restarts


def test_at_once_and_then_ever_later() -> None:
    restarts = Restarts()
    waits = [restarts.wait_seconds(0.1) for _ in range(9)]
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_one_that_lived_long_is_started_at_once() -> None:
    restarts = Restarts()
    for _ in range(4):
        restarts.wait_seconds(0.1)
    assert restarts.wait_seconds(LONG_LIFE_SECONDS) == 0
    assert [restarts.wait_seconds(0.1) for _ in range(2)] == [1, 2]

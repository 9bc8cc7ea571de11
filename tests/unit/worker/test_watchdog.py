"""The watchdog's view of one thing that has to make progress."""

from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.keeper_watcher import LONGEST_DUTY_SECONDS, KeeperWatcher
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.vitals import Vitals
from storyboard_worker.worker.watchdog import STUCK_AFTER_SECONDS, Watchdog, Watched


def test_it_is_stuck_after_so_long_a_silence() -> None:
    watched = Watched("loop", stuck_after_seconds=10)
    assert [watched.is_stuck_after(5) for _ in range(2)] == [False, True]
    watched.progress()
    assert watched.silent_seconds == 0
    assert not watched.is_stuck_after(5)


def test_a_thing_that_says_it_moves_is_not_stuck() -> None:
    moves = True
    watched = Watched("attempts", stuck_after_seconds=10, moves=lambda: moves)
    assert not any(watched.is_stuck_after(5) for _ in range(10))
    moves = False
    assert [watched.is_stuck_after(5) for _ in range(2)] == [False, True]


def test_vitals_hear_of_the_loop_and_of_its_end(reporter: Reporter) -> None:
    told: list[str] = []

    class Told(Vitals):
        def loop_moved(self) -> None:
            told.append("moved")

        def loop_ends(self) -> None:
            told.append("ends")

    dog = Watchdog(reporter, vitals=Told())
    dog.progress()
    dog.stop()
    assert told == ["moved", "ends"]


def test_the_keeper_may_take_as_long_as_its_duties_and_its_waits(reporter: Reporter) -> None:
    dog = Watchdog(reporter)
    keeper = KeeperWatcher(Outage(reporter, lambda _lack: None), dog, interval_seconds=20)
    [_, watched] = dog._watched
    limit = STUCK_AFTER_SECONDS + 20 + LONGEST_DUTY_SECONDS
    assert not watched.is_stuck_after(limit - 1)
    assert watched.is_stuck_after(1)
    keeper.moves()
    assert not watched.is_stuck_after(limit - 1)
    assert dog.silent_seconds == 0, "which is the loop's"

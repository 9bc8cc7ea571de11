"""What HTTP reads of a worker, before there is one and with one."""

from storyboard_worker.worker.vitals import Vitals


def test_before_there_is_a_worker_nothing_is_wrong_and_nothing_happens() -> None:
    vitals = Vitals()
    assert (vitals.silent_seconds, vitals.slots_taken, vitals.listening) == (0.0, 0, False)
    assert (vitals.database_errors, vitals.pauses_begun) == (0, 0)
    assert vitals.paused_seconds() == vitals.lasting_seconds() == {}


def test_each_reading_is_taken_when_it_is_asked_for() -> None:
    vitals, silences = Vitals(), iter([1.0, 2.0])
    vitals.fill(
        silent_seconds=lambda: next(silences), slots_taken=lambda: 3, listening=lambda: True
    )
    assert (vitals.slots_taken, vitals.listening) == (3, True)
    assert [vitals.silent_seconds, vitals.silent_seconds] == [1.0, 2.0]

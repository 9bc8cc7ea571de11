"""Callbacks that are told of a stop, and callbacks that are not told any more."""

from storyboard_worker.shutdown import Shutdown


def test_a_callback_is_called_only_while_it_is_of_use() -> None:
    shutdown = Shutdown()
    told: list[str] = []
    shutdown.on_request(lambda: told.append("always"))
    with shutdown.calling(lambda: told.append("left")):
        pass
    with shutdown.calling(lambda: told.append("inside")):
        shutdown.request()
    assert told == ["always", "inside"]


def test_a_callback_that_comes_too_late_is_called_at_once() -> None:
    shutdown = Shutdown()
    shutdown.request()
    told: list[str] = []
    with shutdown.calling(lambda: told.append("late")):
        assert told == ["late"]

"""A crowd at the board leaves threads for others."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from storyboard_worker.web.board.door import Crowded, Door


def test_no_more_than_so_many_are_inside(release: threading.Event) -> None:
    door, entered = Door(2, patience_seconds=0.01), threading.Semaphore(0)

    def stay() -> None:
        with door.inside():
            entered.release()
            assert release.wait(30)

    with ThreadPoolExecutor(2) as readers:
        for _ in range(2):
            readers.submit(stay)
            assert entered.acquire(timeout=30)
        with pytest.raises(Crowded), door.inside():
            pass
        release.set()
    with door.inside():
        pass


def test_one_that_fails_leaves_its_place() -> None:
    door = Door(1, patience_seconds=0.01)
    for _ in range(2):
        with pytest.raises(LookupError), door.inside():
            raise LookupError

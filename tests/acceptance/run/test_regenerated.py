"""The image route of a worker while a panel's image is generated again."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener
from uuid import UUID

import psycopg

from storyboard_worker.cli.serving import FRESH_ROW_SECONDS
from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from storyboard_worker.demo.pictures import random_image
from tests.support.panels import enqueue_panel, plant
from tests.support.ports import free_port
from tests.support.producing import change
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses

NEW_IMAGE = random_image(20_000, "JPEG", seed=2)
# Loopback is asked directly, whatever the environment says.
DIRECT = build_opener(ProxyHandler({}))


def picture(port: int, storyboard_id: UUID) -> bytes:
    """What an ``<img>`` gets in the end, from us or from the CDN; for an error its status."""
    try:
        with DIRECT.open(f"http://127.0.0.1:{port}/api/storyboards/{storyboard_id}/image") as got:
            image: bytes = got.read()
            return image
    except HTTPError as error:
        with error:
            return str(error.code).encode()


@contextmanager
def polled(look: Callable[[], bytes]) -> Iterator[list[bytes]]:
    """All that ``look`` finds, again and again without a pause."""
    seen: list[bytes] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            seen.append(look())

    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(poll)
        try:
            yield seen
        finally:
            done.set()
        polling.result()


def wait_for_news(seen: list[bytes]) -> None:
    """Until the route has looked at the row as it is now, and has been asked after that."""
    looked_at = time.monotonic() + FRESH_ROW_SECONDS
    eventually(lambda: time.monotonic() > looked_at)
    enough = len(seen) + 2
    eventually(lambda: len(seen) >= enough)


def test_the_old_picture_is_served_until_the_new_one_is_ready(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    """Also after a regeneration that has failed. There is no moment without a picture."""
    go_on = threading.Event()
    port = free_port()
    start_worker(PORT=str(port), LEASE_SECONDS="60")
    panel = enqueue_panel(producer, origin, "old.jpg")
    wait_for_statuses(producer, ready=1)
    old_image = picture(port, panel)
    origin.put("new.jpg", NEW_IMAGE, faults=[Hang(go_on)])

    with polled(lambda: picture(port, panel)) as seen:
        change(producer, panel, source_url=plant(origin, "gone.jpg", [Answer(410)]))
        wait_for_statuses(producer, failed=1)
        wait_for_news(seen)
        change(producer, panel, source_url=origin.sign("new.jpg"))
        origin.wait_for_requests(3)
        wait_for_news(seen)
        go_on.set()
        wait_for_statuses(producer, ready=1)
        wait_for_news(seen)

    served = [image for image, _ in itertools.groupby(seen)]
    assert served == [old_image, NEW_IMAGE], [image[:40] for image in served]

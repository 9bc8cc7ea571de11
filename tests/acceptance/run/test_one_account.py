"""Images that Cloudinary cannot take do not hold up the other images of the account."""

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.cloudinary_checks import Refused
from storyboard_worker.demo.faults import StorageFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.demo.pictures import random_image
from tests.support.mixed_rows import enqueue_some, ready, wait_for_ready
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually

BROKEN_IMAGE = random_image(10_000, "JPEG", seed=7)


class FailForOneImage(StorageFault):
    """A 500 for each upload of this image."""

    def change_bytes(self, sent: bytes) -> bytes:
        if sent == BROKEN_IMAGE:
            raise Refused(500, "General Error")
        return sent


@pytest.mark.parametrize("priority", [10, -10], ids=["first", "last"])
def test_images_that_storage_cannot_take_do_not_hold_up_others(
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
    priority: int,
) -> None:
    cloudinary.misbehave(FailForOneImage(), times=None)
    broken = enqueue_some(producer, origin, "broken", 40, priority=priority)
    for number in range(len(broken)):
        origin.put(f"broken-{number}.jpg", BROKEN_IMAGE)
    good = enqueue_some(producer, origin, "good", 60)
    start_worker()
    wait_for_ready(producer, good, 15.0)
    assert ready(producer, broken) == 0
    eventually(lambda: cloudinary.refusals)
    assert {refusal.status for refusal in cloudinary.refusals} == {500}

"""Two workers side by side copy every image, each once, byte for byte."""

import hashlib
import math
import random
from collections import Counter
from typing import cast, get_args
from uuid import UUID

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from storyboard_worker.demo.pictures import Format, random_image
from tests.support.panels import all_rows, requests_for
from tests.support.producing import enqueue
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses

IMAGES = 200
SMALLEST_BYTES = 4 * 1024
LARGEST_BYTES = 8 * 1024 * 1024
FORMATS = cast("tuple[Format, ...]", get_args(Format))


def plant_mixed(origin: Origin) -> dict[str, str]:
    """Images of all formats and sizes, small ones the most; signed URL → MD5."""
    chance = random.Random(200)
    sizes = (SMALLEST_BYTES, LARGEST_BYTES)
    planted = {}
    for number in range(IMAGES):
        image_format = FORMATS[number % len(FORMATS)]
        size = round(math.exp(chance.uniform(*map(math.log, sizes))))
        body = random_image(sizes[number] if number < len(sizes) else size, image_format, number)
        name = f"{number}.{image_format.lower()}"
        origin.put(name, body, content_type=f"image/{image_format.lower()}")
        planted[origin.sign(name)] = hashlib.md5(body).hexdigest()
    return planted


def test_every_image_is_copied_once_and_whole_by_two_workers(
    origin: Origin,
    cloudinary: Cloudinary,
    producer: psycopg.Connection,
    start_worker: StartWorker,
) -> None:
    cloudinary.keep_bytes = False
    planted = plant_mixed(origin)
    workers = [start_worker(LEASE_SECONDS="60") for _ in range(2)]
    for worker in workers:
        worker.wait_for_log("listening for new rows")

    with producer.transaction():
        ids = {enqueue(producer, url): url for url in planted}
    wait_for_statuses(producer, ready=IMAGES)

    stored = {upload.public_id: upload.md5 for upload in cloudinary.uploads}
    assert len(cloudinary.uploads) == len(stored) == IMAGES
    rows = all_rows(producer)
    assert {row["attempts"] for row in rows} == {1}
    assert {row["public_id"]: planted[ids[row["id"]]] for row in rows} == stored
    assert all(row["etag"] == stored[row["public_id"]] for row in rows)
    assert {requests_for(origin, url) for url in planted} == {1}
    assert_shared([worker.logged("storyboard ready") for worker in workers], set(ids))


def assert_shared(ready: list[list[dict[str, str]]], ids: set[UUID]) -> None:
    """Each worker did some, no row was done by two."""
    assert all(ready)
    done = Counter(UUID(line["storyboard_id"]) for lines in ready for line in lines)
    assert done == Counter(ids)

"""An answer of the storage that the table cannot hold affects only its own row."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from storyboard_worker.errors import DataRefused
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.working import IMAGE, claim_new
from tests.support.producing import storyboard


def test_completions_go_on_after_one_that_cannot_be_written(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claims = [claim_new(queue, producer) for _ in range(6)]
    images = [IMAGE] * 5 + [replace(IMAGE, width=2**40)]
    with ThreadPoolExecutor(6) as threads:
        done = [threads.submit(queue.complete, *pair) for pair in zip(claims, images, strict=True)]
        with pytest.raises(DataRefused):
            done[-1].result(20)
        for completion in done[:-1]:
            completion.result(20)
    found = [storyboard(producer, claim.id)["status"] for claim in claims]
    assert found == ["ready"] * 5 + ["processing"]

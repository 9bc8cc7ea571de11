"""A storage that reads or answers byte by byte holds a slot no longer than one that is silent."""

import time
from contextlib import suppress
from dataclasses import dataclass

import pytest

from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.faults import StorageFault
from storyboard_worker.demo.pictures import random_image
from tests.support.stage import HASTY_SECONDS, PLENTY_SECONDS, Stage

# Its relation to this time-out is that of a byte a second to half a minute.
STEP_SECONDS = HASTY_SECONDS / 30


@dataclass(frozen=True)
class ReadSlowly(StorageFault):
    """Read so many bytes at a time."""

    step_bytes: int = 1

    def before_body(self, exchange: Exchange) -> None:
        with suppress(ConnectionError):
            while True:
                exchange._incoming.read_exactly(self.step_bytes)
                exchange.pause(STEP_SECONDS)


@dataclass(frozen=True)
class AnswerSlowly(StorageFault):
    """Store the image, and answer byte by byte."""

    whole_head: bool

    def before_answer(self, exchange: Exchange) -> None:
        head = exchange.head(200, {"Content-Length": "1000"})
        at_once = len(head) if self.whole_head else 1
        with suppress(ConnectionError):
            exchange.send(head[:at_once])
            for byte in head[at_once:] + b" " * 1000:
                exchange.pause(STEP_SECONDS)
                exchange.send(bytes([byte]))
        exchange.close()


@pytest.mark.parametrize(
    "fault",
    [ReadSlowly(), AnswerSlowly(whole_head=False), AnswerSlowly(whole_head=True)],
    ids=["takes", "begins to answer", "answers"],
)
@pytest.mark.parametrize("length", [5_000, 8_000_000], ids=["small", "large"])
def test_a_byte_at_a_time_is_a_storage_that_is_away(
    hasty_stage: Stage, fault: StorageFault, length: int
) -> None:
    """The large image does not fit into the buffers of the kernels on the way."""
    hasty_stage.cloudinary.misbehave(fault)
    started = time.monotonic()
    error = hasty_stage.failure(hasty_stage.serve(random_image(length, "JPEG", seed=3)))
    assert (error.code, error.upstream) == ("storage_unavailable", "cloudinary")
    assert HASTY_SECONDS <= time.monotonic() - started < PLENTY_SECONDS / 4

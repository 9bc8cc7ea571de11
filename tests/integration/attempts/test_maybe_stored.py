"""A picture that may be stored in spite of an error is listed until its row shows it."""

import psycopg
import pytest

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.demo.fault_kinds import StorageFault
from storyboard_worker.demo.faults import Answer, CutFile, LoseAnswer, StoreInstead
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.storyboard import Claim, public_id
from tests.support.attempting import Bench
from tests.support.orphans import listed
from tests.support.producing import change, delete, storyboard

IMAGE = random_image(5_000, "JPEG", seed=2)
OTHER = random_image(6_000, "JPEG", seed=3)


def picture_of(claim: Claim) -> str:
    return public_id("panels", claim.id, claim.source_url)


MAY_BE_STORED = {
    "no answer": LoseAnswer(),
    "other bytes": StoreInstead(OTHER),
    "no words": Answer(200, "<h1>Welcome</h1>"),
    "a gateway": Answer(502, "<h1>Bad Gateway</h1>"),
}
REFUSED = {"broken": Answer(500), "bad": Answer(400), "limited": Answer(420)}


def end_with(bench: Bench, fault: StorageFault) -> Claim:
    """The claim of an attempt that is the row's last."""
    bench.stage.cloudinary.misbehave(fault)
    claim = bench.claim(bench.stage.serve(IMAGE), max_attempts=1)
    assert bench.run(claim).outcome is not Outcome.READY
    return claim


@pytest.mark.parametrize("fault", MAY_BE_STORED.values(), ids=list(MAY_BE_STORED))
def test_when_cloudinary_does_not_say_that_it_is_stored_well(
    bench: Bench, producer: psycopg.Connection, fault: StorageFault
) -> None:
    claim = end_with(bench, fault)
    assert listed(producer) == {picture_of(claim)}


@pytest.mark.parametrize("fault", REFUSED.values(), ids=list(REFUSED))
def test_not_when_cloudinary_says_that_it_is_not_stored(
    bench: Bench, producer: psycopg.Connection, fault: StorageFault
) -> None:
    end_with(bench, fault)
    assert listed(producer) == set()


def test_not_after_an_upload_that_broke_off(bench: Bench, producer: psycopg.Connection) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [CutFile(4_000)]))
    assert bench.run(claim).outcome is Outcome.RETRIED
    assert listed(producer) == set()


def test_it_leaves_the_list_when_the_next_attempt_succeeds(
    bench: Bench, producer: psycopg.Connection
) -> None:
    bench.stage.cloudinary.misbehave(LoseAnswer())
    claim = bench.claim(bench.stage.serve(IMAGE))
    assert bench.run(claim).outcome is Outcome.RETRIED
    assert listed(producer) == {picture_of(claim)}
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.READY
    assert listed(producer) == set()


def test_it_stays_when_the_row_gets_another_image(
    bench: Bench, producer: psycopg.Connection
) -> None:
    bench.stage.cloudinary.misbehave(LoseAnswer())
    claim = bench.claim(bench.stage.serve(IMAGE))
    bench.run(claim)
    change(producer, claim.id, source_url=bench.stage.serve(OTHER, name="other.jpg"))
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.READY
    assert listed(producer) == {picture_of(claim)}


def test_of_a_row_that_was_deleted_during_the_upload(
    bench: Bench, producer: psycopg.Connection
) -> None:
    bench.stage.cloudinary.misbehave(LoseAnswer())
    claim = bench.claim(bench.stage.serve(IMAGE))
    delete(producer, claim.id)
    assert bench.run(claim).outcome is Outcome.LEASE_LOST
    assert listed(producer) == {picture_of(claim)}


def test_not_while_its_row_shows_the_same_picture(
    bench: Bench, producer: psycopg.Connection
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    assert bench.run(claim).outcome is Outcome.READY
    change(producer, claim.id, status="pending")
    bench.stage.cloudinary.misbehave(LoseAnswer())
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.RETRIED
    assert storyboard(producer, claim.id)["picture_public_id"] == picture_of(claim)
    assert listed(producer) == set()

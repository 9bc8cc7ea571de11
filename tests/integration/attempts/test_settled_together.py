"""The outcomes of one turn, and the claim for the slots that they make free."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from storyboard_worker.attempts.outcome import Outcome, Worked
from storyboard_worker.attempts.policy import Decision, Fail, Release, Retry
from storyboard_worker.errors import AttemptCancelled, AttemptError, ErrorCode
from storyboard_worker.storyboard import Claim
from storyboard_worker.transfer.attempt import Attempt
from tests.support.attempting import Bench
from tests.support.attempts import new_image
from tests.support.producing import delete, enqueue, written_by

ERROR = AttemptError(ErrorCode.SOURCE_TIMEOUT, "no byte within 30 s", upstream="images.example")
HALF_A_CHARACTER = AttemptError(ErrorCode.IMAGE_INVALID, "a text with \ud83d in it")
DECISIONS: list[Decision] = [Retry(60.0, own_error=True), Release(30.0), Fail()]
OUTCOMES = [Outcome.READY, Outcome.RETRIED, Outcome.RELEASED, Outcome.FAILED]


@dataclass
class Slots:
    """Has one free slot for each claim that ends; keeps what it is given."""

    claims: list[Claim] = field(default_factory=list)
    left: int = 0

    def take(self, ends: int) -> int:
        return ends

    def start(self, claims: list[Claim], taken: int) -> None:
        self.claims += claims
        self.left += taken - len(claims)


@pytest.fixture
def works(bench: Bench) -> list[Worked]:
    """One for each of :data:`OUTCOMES`."""
    return [
        Worked(attempt(bench), new_image()),
        *(Worked(attempt(bench), ERROR, decision) for decision in DECISIONS),
    ]


@pytest.fixture
def refusing(producer: psycopg.Connection) -> Iterator[None]:
    """An owner's rule that the database checks: no row may fail."""
    producer.execute("ALTER TABLE storyboards ADD CONSTRAINT none CHECK (status <> 'failed')")
    yield
    producer.execute("ALTER TABLE storyboards DROP CONSTRAINT none")


def attempt(bench: Bench) -> Attempt:
    return Attempt(bench.claim("https://images.example/panel.jpeg"), bench.deadline)


def outcomes(bench: Bench, works: list[Worked]) -> dict[Claim, Outcome]:
    settled = bench.attempts().settle(works)
    assert settled.waiting == []
    return {ended.claim: ended.outcome for ended in settled.ended}


def expected(works: list[Worked]) -> dict[Claim, Outcome]:
    return {work.claim: outcome for work, outcome in zip(works, OUTCOMES, strict=True)}


def test_they_take_one_transaction(bench: Bench, works: list[Worked]) -> None:
    waiting = [enqueue(bench.producer) for _ in range(3)]
    stopped = Worked(attempt(bench), AttemptCancelled())
    slots = Slots()
    settled = bench.attempts().settle([*works, stopped], slots)
    found = {ended.claim: ended.outcome for ended in settled.ended}
    assert found == expected(works) | {stopped.claim: Outcome.CANCELLED}
    assert [claim.id for claim in slots.claims] == waiting
    assert slots.left == 1
    ids = [work.claim.id for work in works] + waiting
    assert len({written_by(bench.producer, id_) for id_ in ids}) == 1


def test_errors_alone_bring_new_rows_too(bench: Bench, works: list[Worked]) -> None:
    waiting = enqueue(bench.producer)
    slots = Slots()
    bench.attempts().settle(works[1:], slots)
    assert [claim.id for claim in slots.claims] == [waiting]
    assert written_by(bench.producer, waiting) == written_by(bench.producer, works[1].claim.id)


def test_a_locked_row_alone_waits(dsn: str, bench: Bench, works: list[Worked]) -> None:
    locked = works[1]
    with psycopg.connect(dsn) as producer:
        producer.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [locked.claim.id])
        settled = bench.attempts().settle(works)
    assert [work.claim for work in settled.waiting] == [locked.claim]
    assert {ended.outcome for ended in settled.ended} == set(OUTCOMES) - {Outcome.RETRIED}
    assert outcomes(bench, settled.waiting) == {locked.claim: Outcome.RETRIED}


def test_a_lost_row_costs_the_others_nothing(bench: Bench, works: list[Worked]) -> None:
    lost = works[2].claim
    delete(bench.producer, lost.id)
    assert outcomes(bench, works) == expected(works) | {lost: Outcome.LEASE_LOST}


def test_a_text_that_the_database_refuses_is_written_in_ascii(
    bench: Bench, works: list[Worked]
) -> None:
    works.append(Worked(attempt(bench), HALF_A_CHARACTER, Fail()))
    assert outcomes(bench, works) == expected(works[:-1]) | {works[-1].claim: Outcome.FAILED}
    row = bench.row(works[-1].claim)
    assert (row["status"], row["error_code"]) == ("failed", "image_invalid")
    assert row["error_message"] == "a text with ? in it"


@pytest.mark.usefixtures("refusing")
def test_a_row_that_may_not_even_be_set_aside_holds_up_none_of_the_others(
    bench: Bench, works: list[Worked]
) -> None:
    slots = Slots()
    settled = bench.attempts().settle(works, slots)
    assert {ended.claim: ended.outcome for ended in settled.ended} == expected(works)
    statuses = [bench.row(work.claim)["status"] for work in works]
    assert statuses == ["ready", "pending", "pending", "processing"]
    assert (slots.claims, slots.left) == ([], len(works))

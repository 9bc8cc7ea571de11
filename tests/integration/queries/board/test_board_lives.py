"""The moments of one panel."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.lives import Happening, Moment, PanelLives
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.working import IMAGE, TIMEOUT, claim_new
from tests.support.producing import (
    CLAIM,
    ERROR,
    FAILED,
    PROCESSING,
    READY,
    WAITING,
    change,
    enqueue,
    moment,
    storyboard,
)


def enqueued_before(producer: psycopg.Connection, seconds: float, **columns: Any) -> UUID:
    """A row that was enqueued so many seconds ago."""
    then = moment(producer, -seconds)
    return enqueue(producer, **columns, created_at=then, source_set_at=then)


def happenings(moments: list[Moment]) -> list[Happening]:
    return [moment.what for moment in moments]


def test_an_unknown_id(lives: PanelLives) -> None:
    assert lives.read(uuid4()) is None


def test_it_is_the_panel_of_the_page(
    lives: PanelLives, pages: PanelPages, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer, **FAILED)
    found = lives.read(id_)
    assert found is not None
    assert [found.panel] == pages.first(PanelFilter()).panels


def test_a_new_panel(lives: PanelLives, producer: psycopg.Connection) -> None:
    dies_at = moment(producer, 3600)
    id_ = enqueue(producer, source_expires_at=dies_at)
    found = lives.read(id_)
    assert found is not None
    row = storyboard(producer, id_)
    assert found.moments == [
        Moment(Happening.ENQUEUED, row["created_at"]),
        Moment(Happening.LINK_DIES, dies_at),
    ]
    assert row["created_at"] <= found.now < dies_at


def test_a_panel_in_work(lives: PanelLives, producer: psycopg.Connection) -> None:
    id_ = enqueue(
        producer,
        **{
            **PROCESSING,
            "claimed_at": moment(producer, -5),
            "error_code": None,
            "error_message": None,
            "errored_at": None,
        },
    )
    found = lives.read(id_)
    assert found is not None
    [at_work] = [each for each in found.moments if each.what is Happening.IN_WORK]
    assert (at_work.attempt, at_work.worker_id) == (3, CLAIM["claimed_by"])
    assert at_work.seconds == pytest.approx(5, abs=5)


def test_a_panel_that_waits_for_another_attempt(
    lives: PanelLives, producer: psycopg.Connection
) -> None:
    errored_at, until = moment(producer, -30), moment(producer, 300)
    id_ = enqueued_before(
        producer, 60, **{**WAITING, "errored_at": errored_at, "available_at": until}
    )
    found = lives.read(id_)
    assert found is not None
    assert happenings(found.moments) == [
        Happening.ENQUEUED,
        Happening.ATTEMPT_FAILED,
        Happening.WAITS_UNTIL,
    ]
    error = found.moments[1]
    assert (error.at, error.error_code, error.error_message, error.sentry_event_id) == (
        errored_at,
        ERROR["error_code"],
        ERROR["error_message"],
        ERROR["sentry_event_id"],
    )
    assert found.moments[2].at == until


def test_a_panel_that_started_afresh(lives: PanelLives, producer: psycopg.Connection) -> None:
    id_ = enqueued_before(producer, 60, **READY)
    change(producer, id_, status="pending")
    found = lives.read(id_)
    assert found is not None
    assert happenings(found.moments) == [Happening.ENQUEUED, Happening.STARTED_AFRESH]
    assert found.moments[1].at - found.moments[0].at > timedelta(seconds=50)


def test_a_failed_panel(lives: PanelLives, producer: psycopg.Connection) -> None:
    errored_at = moment(producer)
    id_ = enqueued_before(producer, 9, **{**FAILED, "errored_at": errored_at})
    found = lives.read(id_)
    assert found is not None
    assert happenings(found.moments) == [Happening.ENQUEUED, Happening.FAILED]


def test_every_attempt_of_a_whole_life(
    lives: PanelLives, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    """Claimed twice by the real queue: once in vain, once with success."""
    claim = claim_new(queue, producer)
    queue.retry(claim, TIMEOUT, delay_seconds=0, sentry_event_id="event")
    again = queue.claim_one(claim.id)
    assert again is not None
    queue.complete(again, IMAGE)
    found = lives.read(claim.id)
    assert found is not None
    assert happenings(found.moments) == [
        Happening.ENQUEUED,
        Happening.ATTEMPT_FAILED,
        Happening.READY,
    ]
    _, error, ready = found.moments
    assert (error.attempt, error.error_code, error.sentry_event_id) == (1, TIMEOUT.code, "event")
    assert error.worker_id == "worker-1"
    assert error.seconds is not None
    assert error.seconds >= 0
    assert (ready.attempt, ready.seconds) == (2, found.panel.copy_seconds)
    assert ready.seconds is not None


def test_the_attempt_with_which_a_row_failed_stands_there_once(
    lives: PanelLives, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    queue.fail(claim, TIMEOUT, sentry_event_id=None)
    found = lives.read(claim.id)
    assert found is not None
    assert happenings(found.moments) == [Happening.ENQUEUED, Happening.FAILED]
    assert found.moments[1].attempt == 1


def test_each_start_afresh_that_is_known_stands_between_its_attempts(
    lives: PanelLives, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    """Two lives that fail, one that is ready, and the present one, which is ready as well."""
    id_ = enqueue(producer)
    for _ in range(2):
        fail(queue, id_, attempts=2)
        change(producer, id_, status="pending")
    for _ in range(2):
        complete(queue, id_)
        change(producer, id_, status="pending")
    complete(queue, id_)
    found = lives.read(id_)
    assert found is not None
    assert [(moment.what, moment.attempt) for moment in found.moments] == [
        (Happening.ENQUEUED, None),
        (Happening.ATTEMPT_FAILED, 1),
        (Happening.ATTEMPT_FAILED, 2),
        (Happening.STARTED_AFRESH, None),
        (Happening.ATTEMPT_FAILED, 1),
        (Happening.ATTEMPT_FAILED, 2),
        (Happening.STARTED_AFRESH, None),
        (Happening.READY, 1),
    ]
    assert [moment.is_dated for moment in found.moments] == [True] * 3 + [False] + [True] * 4


def test_the_last_start_afresh_stands_there_once(
    lives: PanelLives, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer)
    fail(queue, id_, attempts=1)
    change(producer, id_, status="pending")
    fail(queue, id_, attempts=1)
    found = lives.read(id_)
    assert found is not None
    afresh = [moment for moment in found.moments if moment.what is Happening.STARTED_AFRESH]
    assert [moment.is_dated for moment in afresh] == [True]


def fail(queue: StoryboardQueue, id_: UUID, *, attempts: int) -> None:
    """The row fails with so many attempts."""
    for number in range(1, attempts + 1):
        claim = queue.claim_one(id_)
        assert claim is not None
        if number < attempts:
            queue.retry(claim, TIMEOUT, delay_seconds=0)
        else:
            queue.fail(claim, TIMEOUT, sentry_event_id=None)


def complete(queue: StoryboardQueue, id_: UUID) -> None:
    """The row becomes ready at once."""
    claim = queue.claim_one(id_)
    assert claim is not None
    queue.complete(claim, IMAGE)

"""The moments of one panel."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.lives import Happening, Moment, PanelLives
from storyboard_worker.queries.board.pages import PanelPages
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
    id_ = enqueue(
        producer,
        **{**WAITING, "errored_at": errored_at, "available_at": until},
        created_at=moment(producer, -60),
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
    id_ = enqueue(producer, **READY, created_at=moment(producer, -60))
    change(producer, id_, status="pending")
    found = lives.read(id_)
    assert found is not None
    assert happenings(found.moments) == [Happening.ENQUEUED, Happening.STARTED_AFRESH]
    assert found.moments[1].at - found.moments[0].at > timedelta(seconds=50)


def test_a_failed_panel(lives: PanelLives, producer: psycopg.Connection) -> None:
    errored_at = moment(producer)
    id_ = enqueue(producer, **{**FAILED, "errored_at": errored_at}, created_at=moment(producer, -9))
    found = lives.read(id_)
    assert found is not None
    assert happenings(found.moments) == [Happening.ENQUEUED, Happening.FAILED]

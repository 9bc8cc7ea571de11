"""The alarm `cdn`: new pictures that the CDN does not serve."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.demo.delivery import ACCOUNT_DISABLED
from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.new_pictures import NewPictures
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.transfer.cdn import Cdn
from storyboard_worker.worker.alarms import Alarms
from storyboard_worker.worker.cdn_check import MOST_PICTURES, CdnCheck
from tests.integration.worker.passing_time import MAX_WAIT_SECONDS, time_passes
from tests.support.panels import IMAGE
from tests.support.producing import READY, enqueue, moment
from tests.support.sentry_server import SentryServer
from tests.support.stage import Stage, new_stage, transport

PLENTY_SECONDS = 60.0


@dataclass
class Sweeps:
    """The part of sweeps that looks at the CDN, and what it has to look at."""

    alarms: Alarms
    producer: psycopg.Connection
    stage: Stage

    def look(self, seconds: float = PLENTY_SECONDS, *, is_stopping: bool = False) -> list[str]:
        ends_at = time.monotonic() + seconds
        return self.alarms.watch_cdn(ends_at, is_stopping=lambda: is_stopping)

    def publish(self, name: str = "a", *, ready_ago: float = 1.0) -> str:
        """A picture that became ready so many seconds ago; its public id."""
        image = asdict(self.stage.copy(self.stage.serve(IMAGE, name=f"{name}.jpg")))
        finished_at = moment(self.producer, -ready_ago)
        enqueue(self.producer, **{**READY, **image, "finished_at": finished_at})
        return str(image["public_id"])

    def asked(self) -> int:
        """For how many pictures the CDN was asked since this was called last."""
        requests = [one for one in self.stage.cloudinary.requests if one.method == "HEAD"]
        self._before, before = len(requests), getattr(self, "_before", 0)
        return len(requests) - before


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with new_stage() as stage:
        yield stage


@pytest.fixture
def sweeps(
    stage: Stage, database: Database, producer: psycopg.Connection, reporter: Reporter
) -> Iterator[Sweeps]:
    with closing(Cdn(transport(), allow_http=True, redactor=Redactor())) as cdn:
        alarms = Alarms(
            AlarmRegister(database),
            WorkerRegister(database, lease_seconds=60),
            reporter,
            max_wait_seconds=MAX_WAIT_SECONDS,
            cdn_check=CdnCheck(NewPictures(database), cdn),
        )
        sweeps = Sweeps(alarms, producer, stage)
        sweeps.asked()
        yield sweeps
    stage.cloudinary.delivery.clear_faults()


def test_pictures_are_asked_for_once(sweeps: Sweeps) -> None:
    assert sweeps.look() == []
    assert sweeps.asked() == 0
    sweeps.publish("a", ready_ago=20)
    sweeps.publish("b", ready_ago=10)
    assert sweeps.look() == []
    assert sweeps.asked() == 2
    sweeps.publish("c", ready_ago=5)
    assert sweeps.look() == []
    assert sweeps.asked() == 1
    assert sweeps.look() == []
    assert sweeps.asked() == 0


def test_no_more_than_five_are_asked_for_the_newest(sweeps: Sweeps) -> None:
    for number in range(MOST_PICTURES + 3):
        sweeps.publish(str(number), ready_ago=100 - number)
    assert sweeps.look() == []
    assert sweeps.asked() == MOST_PICTURES
    asked = [one.path for one in sweeps.stage.cloudinary.requests if one.method == "HEAD"]
    rows = sweeps.producer.execute(
        "SELECT public_id FROM storyboards ORDER BY finished_at DESC LIMIT 5"
    ).fetchall()
    assert [public_id in path for (public_id,), path in zip(rows, asked[-5:], strict=True)] == [
        True
    ] * MOST_PICTURES


@pytest.mark.parametrize("ready_ago", [86_500.0, -3_600.0])
def test_a_picture_of_another_day_is_not_asked_for(sweeps: Sweeps, ready_ago: float) -> None:
    """A row may be restored with any moment."""
    sweeps.publish(ready_ago=ready_ago)
    assert sweeps.look() == []
    assert sweeps.asked() == 0


def test_a_deleted_picture_is_told_with_its_reason(
    sweeps: Sweeps, reporter: Reporter, sentry: SentryServer
) -> None:
    sweeps.publish("a", ready_ago=2)
    sweeps.stage.cloudinary.delivery.delete(sweeps.publish("b"))
    (message,) = sweeps.look()
    assert message.startswith("The CDN does not serve 1 of 2 new picture(s) (404: Resource not")
    reporter.close()
    (event,) = sentry.events
    assert event["tags"]["alarm"] == "cdn"
    (row,) = sweeps.producer.execute(
        "SELECT id FROM storyboards ORDER BY finished_at DESC LIMIT 1"
    ).fetchall()
    assert event["contexts"]["alarm"]["storyboard_id"] == str(row[0])


def test_a_disabled_account_is_told_once_and_when_it_is_over(
    sweeps: Sweeps, reporter: Reporter, sentry: SentryServer
) -> None:
    sweeps.stage.cloudinary.delivery.misbehave(ACCOUNT_DISABLED, times=None)
    told = []
    for ago in (30, 20):
        sweeps.publish(str(ago), ready_ago=ago)
        told.append(len(sweeps.look()))
    assert told == [1, 0]
    sweeps.stage.cloudinary.delivery.clear_faults()
    assert sweeps.look() == [], "nothing new: it is not known whether it is over"
    sweeps.publish("well", ready_ago=10)
    assert sweeps.look() == []
    sweeps.stage.cloudinary.delivery.misbehave(ACCOUNT_DISABLED)
    sweeps.publish("again", ready_ago=5)
    assert len(sweeps.look()) == 1, "the next outage is told at once"
    reporter.close()
    assert [
        (event["tags"].get("alarm"), event["tags"].get("alarm_over"), event["level"])
        for event in sentry.events
    ] == [("cdn", None, "fatal"), (None, "cdn", "info"), ("cdn", None, "fatal")]


def test_an_outage_that_lasts_is_told_again_after_an_hour(sweeps: Sweeps) -> None:
    sweeps.stage.cloudinary.delivery.misbehave(ACCOUNT_DISABLED, times=None)
    sweeps.publish("a", ready_ago=10)
    assert len(sweeps.look()) == 1
    time_passes(sweeps.producer, 3600)
    sweeps.publish("b", ready_ago=1)
    assert len(sweeps.look()) == 1


def test_pictures_that_are_well_are_no_news(
    sweeps: Sweeps, reporter: Reporter, sentry: SentryServer
) -> None:
    sweeps.publish()
    sweeps.look()
    reporter.close()
    assert sentry.events == []


def test_one_5xx_is_not_told_and_asked_for_again(sweeps: Sweeps) -> None:
    sweeps.publish("a", ready_ago=20)
    sweeps.publish("b", ready_ago=10)
    sweeps.stage.cloudinary.delivery.misbehave(Answer(503))
    assert sweeps.look() == []
    assert sweeps.asked() == 2
    assert sweeps.look() == []
    assert sweeps.asked() == 2
    assert sweeps.look() == []
    assert sweeps.asked() == 0


def test_a_lone_picture_is_told_when_it_is_not_served_twice(sweeps: Sweeps) -> None:
    sweeps.publish("a")
    sweeps.stage.cloudinary.delivery.misbehave(Answer(503), times=None)
    told = [sweeps.look() for _ in range(3)]
    assert told == [[], ["The CDN does not serve 1 of 1 new picture(s) (503)"], []]
    sweeps.stage.cloudinary.delivery.clear_faults()
    assert sweeps.look() == []
    assert sweeps.asked() == 4


def test_pictures_that_are_served_when_asked_for_again_are_not_told(sweeps: Sweeps) -> None:
    for ago in (30, 20, 10):
        sweeps.publish(str(ago), ready_ago=ago)
        # The newest comes first.
        sweeps.stage.cloudinary.delivery.misbehave(Answer(503))
        assert sweeps.look() == []


def test_several_5xx_are_told(sweeps: Sweeps) -> None:
    for ago in (30, 20, 10):
        sweeps.publish(str(ago), ready_ago=ago)
    sweeps.stage.cloudinary.delivery.misbehave(Answer(503), times=None)
    assert sweeps.look() == ["The CDN does not serve 2 of 2 new picture(s) (503)"]
    assert sweeps.asked() == 2, "two are enough"


def test_a_cdn_that_hangs_is_left_within_the_time_of_the_sweep(sweeps: Sweeps) -> None:
    sweeps.publish("a", ready_ago=20)
    sweeps.publish("b", ready_ago=10)
    until = threading.Event()
    sweeps.stage.cloudinary.delivery.misbehave(Hang(until), times=None)
    began = time.monotonic()
    assert sweeps.look(0.4) == []
    assert time.monotonic() - began < 10
    until.set()


@pytest.mark.parametrize(("seconds", "is_stopping"), [(0.0, False), (PLENTY_SECONDS, True)])
def test_without_time_nothing_is_asked(
    sweeps: Sweeps, seconds: float, *, is_stopping: bool
) -> None:
    sweeps.publish()
    assert sweeps.look(seconds, is_stopping=is_stopping) == []
    assert sweeps.asked() == 0
    assert sweeps.look() == []
    assert sweeps.asked() == 1, "it is left for the next sweep"


def test_an_address_that_may_not_be_asked_is_no_alarm(sweeps: Sweeps) -> None:
    finished_at = moment(sweeps.producer, -1)
    changed = {"cdn_url": "ftp://cdn.example/a.jpg", "finished_at": finished_at}
    for _ in range(3):
        enqueue(sweeps.producer, **{**READY, **changed})
    assert sweeps.look() == []
    assert sweeps.asked() == 0


def test_a_database_that_is_not_migrated(sweeps: Sweeps) -> None:
    sweeps.publish()
    sweeps.producer.execute("ALTER TABLE storyboard_alarms RENAME TO elsewhere")
    try:
        assert sweeps.look() == []
    finally:
        sweeps.producer.execute("ALTER TABLE elsewhere RENAME TO storyboard_alarms")

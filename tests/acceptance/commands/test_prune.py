"""``prune``, and ``sweep --prune``."""

import signal
import threading
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from storyboard_worker.transfer.cloudinary_account import CREDENTIALS
from tests.support.orphans import list_orphans, listed, picture_of
from tests.support.panels import IMAGE, enqueue_panel, plant
from tests.support.producing import change, delete, enqueue, storyboard
from tests.support.running_command import StoryboardWorker, finish
from tests.support.sentry_server import SentryServer
from tests.support.tallies import tally

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("deleted", "not_found", "kept", "left", "under_way", "over_in_seconds"), 0),
    "reason": None,
}


@pytest.fixture
def orphans(producer: psycopg.Connection, cloudinary: Cloudinary) -> list[str]:
    """Three that have been listed for two weeks."""
    public_ids = [picture_of(uuid4()) for _ in range(3)]
    cloudinary.put(public_ids, IMAGE)
    list_orphans(producer, public_ids)
    return public_ids


def test_what_rows_showed_is_deleted_and_what_they_show_is_not(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    again, gone = (enqueue_panel(producer, origin, name) for name in ("a.jpg", "b.jpg"))
    assert storyboard_worker("sweep").code == 0
    old = [storyboard(producer, id_)["public_id"] for id_ in (again, gone)]
    change(producer, again, source_url=plant(origin, "c.jpg"))
    delete(producer, gone)
    assert storyboard_worker("prune", "--older-than", "0", "--json").json == NOTHING | {
        "deleted": 1
    }
    assert storyboard_worker("sweep").code == 0

    young = storyboard_worker("prune", "--json")
    assert (young.code, young.json) == (0, NOTHING)
    pruned = storyboard_worker("prune", "--older-than", "0")
    assert pruned.code == 0
    assert pruned.out.split() == [
        "prune",
        "deleted",
        "1",
        "not_found",
        "0",
        "kept",
        "0",
        "left",
        "0",
        "under_way",
        "0",
    ]

    assert [cloudinary.asset(public_id) for public_id in old] == [None, None]
    assert cloudinary.asset(storyboard(producer, again)["public_id"]) is not None
    assert listed(producer) == set()


def test_a_picture_that_was_stored_for_a_deleted_row_is_found(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    release: threading.Event,
) -> None:
    storyboard_id = enqueue_panel(producer, origin)
    cloudinary.misbehave(Hang(release, where="after_storing"))
    sweep = storyboard_worker.start("sweep")
    [upload] = cloudinary.wait_for_uploads(1)
    delete(producer, storyboard_id)
    early = storyboard_worker("prune", "--older-than", "0")
    assert early.code == 1
    assert "1 attempt(s) on rows that have gone or changed may still store a picture" in early.err
    release.set()
    assert finish(sweep).code == 0
    assert listed(producer) == {upload.public_id}
    assert storyboard_worker("prune", "--older-than", "0", "--json").json["deleted"] == 1
    assert cloudinary.asset(upload.public_id) is None


def test_a_dry_run_deletes_nothing(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    cloudinary: Cloudinary,
    orphans: list[str],
) -> None:
    kept = picture_of(enqueue(producer))
    list_orphans(producer, [kept])
    found = storyboard_worker("prune", "--dry-run", "--json")
    assert found.code == 0
    assert found.json.pop("oldest")
    assert {**found.json, "oldest": None} == {
        "left": 3,
        "kept": 1,
        "oldest": None,
        "public_ids": orphans,
    }
    shown = storyboard_worker("prune", "--dry-run")
    assert shown.out.split() == orphans
    assert "3 would be deleted, the oldest for 14 d; 1 would be kept" in shown.err
    assert cloudinary.requests == []
    assert listed(producer) == {*orphans, kept}


def test_wrong_credentials_are_told_with_the_fix(
    storyboard_worker: StoryboardWorker, orphans: list[str]
) -> None:
    pruned = storyboard_worker("prune", CLOUDINARY_API_SECRET="another-secret")
    assert pruned.code == 1
    assert CREDENTIALS in pruned.err
    assert f"{len(orphans)} left" in pruned.err
    assert "another-secret" not in pruned.err


def test_it_needs_cloudinary(storyboard_worker: StoryboardWorker) -> None:
    for command in (["prune"], ["sweep", "--no-process", "--prune", "30d"]):
        refused = storyboard_worker(*command, CLOUDINARY_CLOUD_NAME="")
        assert refused.code == 2
        assert "CLOUDINARY_URL" in refused.err


def test_a_signal_lets_the_call_end_and_loses_nothing(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    cloudinary: Cloudinary,
    release: threading.Event,
) -> None:
    public_ids = [picture_of(uuid4()) for _ in range(150)]
    cloudinary.put(public_ids, IMAGE)
    list_orphans(producer, public_ids)
    cloudinary.misbehave_at_deletions(Hang(release))
    prune = storyboard_worker.start("prune", "--json")
    cloudinary.wait_for_requests(1)
    prune.signal(signal.SIGTERM)
    release.set()
    stopped = finish(prune)
    assert stopped.code == 1
    assert (stopped.json["deleted"], stopped.json["left"]) == (100, 50)
    assert stopped.json["reason"].startswith("a signal has asked to stop")
    assert listed(producer) == set(public_ids[100:])


def test_a_sweep_prunes_after_its_pass(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    orphans: list[str],
) -> None:
    enqueue_panel(producer, origin)
    swept = storyboard_worker("sweep", "--prune", "30d", "--json")
    assert (tally(swept)["ready"], tally(swept)["pruned"]) == (1, 0)
    cloudinary.misbehave_at_deletions(Answer(503))
    swept = storyboard_worker("sweep", "--prune", "7d", "--json", "--max-seconds", "30")
    assert (swept.code, tally(swept)["pruned"], tally(swept)["alarms"]) == (0, 3, [])
    assert [cloudinary.asset(public_id) for public_id in orphans] == [None] * 3


def test_a_sweep_raises_an_alarm_when_it_cannot_prune(
    storyboard_worker: StoryboardWorker, orphans: list[str], sentry: SentryServer
) -> None:
    wrong = {"CLOUDINARY_API_SECRET": "another-secret", "SENTRY_DSN": sentry.dsn}
    swept = storyboard_worker("sweep", "--no-process", "--prune", "7d", "--json", **wrong)
    again = storyboard_worker("sweep", "--no-process", "--prune", "7d", "--json", **wrong)
    assert (swept.code, again.code) == (1, 0)
    (message,) = tally(swept)["alarms"]
    assert message.startswith(f"{len(orphans)} picture(s) that no row shows cannot be deleted: ")
    assert [event["tags"]["alarm"] for event in sentry.events] == ["prune"]

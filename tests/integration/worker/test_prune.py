"""Pictures that no row shows are deleted, and no others."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from storyboard_worker import storyboard
from storyboard_worker.demo.fault_kinds import StorageFault
from storyboard_worker.demo.faults import AlterAnswer, Answer, CloseBeforeAnswer, LoseAnswer
from storyboard_worker.transfer.cloudinary_account import CREDENTIALS
from storyboard_worker.worker import prune as prune_module
from storyboard_worker.worker.prune import Pruned
from storyboard_worker.worker.prune_patience import MOST_TRIES
from tests.support.orphans import LONGEST_SECONDS, WEEK, Pruner, list_orphans, listed, picture_of
from tests.support.panels import IMAGE
from tests.support.producing import (
    A_MOMENT,
    FAILED,
    OTHER_URL,
    PENDING,
    PROCESSING,
    READY,
    URL,
    change,
    delete,
    enqueue,
)

LIMITED = Answer(420, {"error": {"message": "Rate Limit Exceeded"}})
BROKEN = Answer(500, "<h1>Internal Server Error</h1>")


def test_a_thousand_are_deleted_once_each_and_none_that_is_shown(pruner: Pruner) -> None:
    orphans = pruner.orphans(1000)
    shown = orphans[3::100]
    for public_id in shown:
        copied = {**READY, "public_id": public_id, "finished_at": A_MOMENT}
        with pruner.producer.transaction():
            # As a restore without triggers leaves it.
            pruner.producer.execute("SET LOCAL session_replication_role = replica")
            enqueue(pruner.producer, **copied)
    for fault in (LIMITED, BROKEN, LIMITED, CloseBeforeAnswer(), BROKEN):
        pruner.cloudinary.misbehave_at_deletions(fault)

    assert pruner.prune() == Pruned(deleted=990, kept=10)

    assert pruner.stored(orphans) == set(shown)
    assert listed(pruner.producer) == set()
    calls = [deletion.answers for deletion in pruner.cloudinary.deletions]
    assert [len(call) for call in calls] == [100] * 9 + [90]
    asked = Counter(public_id for call in calls for public_id in call)
    assert set(asked.values()) == {1}
    assert all(deletion.invalidate for deletion in pruner.cloudinary.deletions)
    # The oldest go first.
    assert list(calls[0]) == [one for one in orphans if one not in shown][:100]


def test_what_is_younger_stays(pruner: Pruner) -> None:
    old = pruner.orphans(1)
    young = picture_of(uuid4())
    pruner.cloudinary.put([young], IMAGE)
    list_orphans(pruner.producer, [young], age=WEEK * 0.9)
    assert pruner.prune() == Pruned(deleted=1)
    assert pruner.stored([*old, young]) == {young}
    assert pruner.prune(timedelta()) == Pruned(deleted=1)
    assert listed(pruner.producer) == set()


def test_what_is_gone_already_leaves_the_list(pruner: Pruner) -> None:
    gone = [picture_of(uuid4()), "a foreign, id"]
    list_orphans(pruner.producer, gone)
    assert pruner.prune() == Pruned(not_found=2)
    assert listed(pruner.producer) == set()


@pytest.mark.parametrize("state", [PENDING, PROCESSING])
def test_a_picture_whose_row_may_upload_it_again_waits(
    pruner: Pruner, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(pruner.producer, **state)
    picture = picture_of(storyboard_id)
    pruner.cloudinary.put([picture], IMAGE)
    list_orphans(pruner.producer, [picture])
    assert pruner.prune() == Pruned(kept=1)
    assert pruner.stored([picture]) == {picture}
    change(pruner.producer, storyboard_id, **FAILED)
    assert pruner.prune() == Pruned(deleted=1)


def test_windows_go_on_behind_what_is_kept(pruner: Pruner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune_module, "LOOKED_FOR_AT_ONCE", 2)
    kept = [picture_of(enqueue(pruner.producer)) for _ in range(3)]
    list_orphans(pruner.producer, kept)
    orphans = pruner.orphans(4)
    assert pruner.prune() == Pruned(deleted=4, kept=3)
    assert pruner.stored(orphans) == set()
    assert listed(pruner.producer) == set(kept)


@pytest.mark.parametrize("fault", [LIMITED, BROKEN])
def test_an_outage_ends_the_run_and_the_next_one_goes_on(pruner: Pruner, fault: Answer) -> None:
    orphans = pruner.orphans(150)
    pruner.cloudinary.misbehave_at_deletions(fault, times=MOST_TRIES)
    pruned = pruner.prune()
    assert (pruned.deleted, pruned.left, pruned.is_fault) == (0, 150, False)
    assert f"Cloudinary answers {fault.status}" in str(pruned.reason)
    assert pruner.stored(orphans) == set(orphans)
    assert pruner.prune() == Pruned(deleted=150)


def test_a_limit_that_outlasts_the_run_is_not_waited_for(pruner: Pruner) -> None:
    pruner.orphans(1)
    headers = {
        "X-FeatureRateLimit-Remaining": "0",
        "X-FeatureRateLimit-Reset": "Wed, 30 Dec 2099 10:00:00 GMT",
    }
    pruner.cloudinary.misbehave_at_deletions(Answer(420, headers=headers))
    pruned = pruner.prune()
    assert pruned.left == 1
    assert "run it again in" in str(pruned.reason)
    assert pruner.prune() == Pruned(deleted=1)


def test_a_lost_answer_deletes_nothing_else(pruner: Pruner) -> None:
    orphans = pruner.orphans(2)
    pruner.cloudinary.misbehave_at_deletions(LoseAnswer())
    assert pruner.prune() == Pruned(not_found=2)
    assert pruner.stored(orphans) == set()


def test_what_cloudinary_does_not_tell_of_stays_listed(pruner: Pruner) -> None:
    told, untold, odd = pruner.orphans(3)
    answer = AlterAnswer(changed={"deleted": {told: "deleted", odd: "error", "other": "deleted"}})
    pruner.cloudinary.misbehave_at_deletions(answer)
    reason = "Cloudinary does not say what became of 2 picture(s)"
    assert pruner.prune() == Pruned(deleted=1, left=2, reason=reason)
    assert listed(pruner.producer) == {untold, odd}


def test_one_id_that_cloudinary_refuses_does_not_stop_the_others(pruner: Pruner) -> None:
    orphans = pruner.orphans(8)
    refused = orphans[2]
    refusal = Answer(400, {"error": {"message": "Invalid public_ids"}})
    # All eight; the half with it; the quarter before it passes; the quarter with it; it alone.
    for fault in (refusal, refusal, StorageFault(), refusal, refusal):
        pruner.cloudinary.misbehave_at_deletions(fault)
    pruned = pruner.prune()
    assert (pruned.deleted, pruned.left, pruned.is_fault) == (7, 1, True)
    assert str(pruned.reason).endswith(f"Invalid public_ids (public id {refused})")
    assert listed(pruner.producer) == {refused}


def test_wrong_credentials_end_the_run_with_the_fix(pruner: Pruner) -> None:
    pruner.orphans(1)
    pruner.cloudinary.api_secret = "another"
    pruned = pruner.prune()
    assert (pruned.left, pruned.is_fault) == (1, True)
    assert pruned.reason == f"Cloudinary answers 401: Invalid credentials; {CREDENTIALS}"
    assert len(pruner.cloudinary.requests) == 1


def test_a_signal_ends_the_run(pruner: Pruner) -> None:
    pruner.orphans(1)
    pruner.shutdown.request()
    assert pruner.prune().left == 1
    assert pruner.cloudinary.requests == []


def test_no_time_is_no_run(pruner: Pruner) -> None:
    pruner.orphans(1)
    assert pruner.prune(seconds=0).reason == "the time is up; the next run goes on"


def test_what_an_attempt_stored_after_its_row_went_is_deleted_though_its_worker_was_killed(
    pruner: Pruner,
) -> None:
    storyboard_id = enqueue(pruner.producer, **PROCESSING)
    picture = storyboard.public_id("storyboards", storyboard_id, URL)
    delete(pruner.producer, storyboard_id)

    early = pruner.prune(timedelta())
    assert (early.under_way, early.left, early.gone) == (1, 0, 0)
    assert LONGEST_SECONDS - 30 < early.over_in_seconds <= LONGEST_SECONDS
    assert pruner.prune() == Pruned(), "it is younger than a week"

    pruner.cloudinary.put([picture], IMAGE)
    pruner.producer.execute(
        "UPDATE storyboard_departures SET departed_at = departed_at - make_interval(secs => %s)",
        [LONGEST_SECONDS],
    )
    assert pruner.prune(timedelta()) == Pruned(deleted=1)
    assert pruner.stored([picture]) == set()
    assert pruner.prune(timedelta()) == Pruned()


def test_a_row_that_shows_the_picture_of_an_attempt_that_it_left_keeps_it(pruner: Pruner) -> None:
    """It got another image, and then its old one again."""
    storyboard_id = enqueue(pruner.producer, **PROCESSING)
    picture = storyboard.public_id("storyboards", storyboard_id, URL)
    change(pruner.producer, storyboard_id, source_url=OTHER_URL)
    change(pruner.producer, storyboard_id, source_url=URL)
    change(pruner.producer, storyboard_id, **{**READY, "public_id": picture})
    pruner.cloudinary.put([picture], IMAGE)
    pruner.producer.execute("UPDATE storyboard_departures SET departed_at = now() - interval '1 d'")
    assert pruner.prune(timedelta()) == Pruned(kept=1)
    assert pruner.stored([picture]) == {picture}
    assert listed(pruner.producer) == set()

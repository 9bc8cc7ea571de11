"""Whether all is well."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from storyboard_worker.queries.board.causes import FailedCause, FailedCauses
from storyboard_worker.queries.board.summary import RaisedAlarm, Summary, Tally
from storyboard_worker.web.board.verdict import Level, Limits, findings

NOW = datetime(2026, 11, 26, tzinfo=UTC)
NONE = Tally(0, is_exact=True)
WELL = Summary(
    moment=NOW,
    read_at=0,
    waiting=Tally(5, is_exact=True),
    processing=NONE,
    ready=NONE,
    failed=Tally(9, is_exact=True),
    oldest_waiting_seconds=3,
    expiring_soon=0,
    ready_lately=NONE,
    workers=[{}, {}],
    paused=[],
    alarms=[],
    newest_pictures=[],
)
NO_CAUSES = FailedCauses([], are_all=True)
LIMITS = Limits(waiting=10, wait_seconds=60)
LATER = NOW + timedelta(seconds=30)
PAUSED = [
    {"upstream": "cloudinary", "until": NOW.isoformat(), "worker_id": "a"},
    {"upstream": "cloudinary", "until": LATER.isoformat(), "worker_id": "b"},
]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, [(Level.WELL, "well")]),
        ({"workers": [], "waiting": NONE}, [(Level.BAD, "no_worker")]),
        ({"workers": []}, [(Level.BAD, "no_worker_and_waiting")]),
        ({"paused": PAUSED}, [(Level.WATCH, "paused")]),
        ({"oldest_waiting_seconds": 61}, [(Level.BAD, "waits_long")]),
        ({"waiting": Tally(11, is_exact=True)}, [(Level.WATCH, "many_wait")]),
        (
            {"expiring_soon": 1, "paused": PAUSED},
            [(Level.BAD, "expiring"), (Level.WATCH, "paused")],
        ),
        ({"alarms": [RaisedAlarm("stalled", NOW)]}, [(Level.WATCH, "alarm")]),
        (
            {"alarms": [RaisedAlarm("stalled", NOW)], "paused": PAUSED},
            [(Level.WATCH, "alarm"), (Level.WATCH, "paused")],
        ),
    ],
)
def test_findings(changed: dict[str, Any], told: list[tuple[Level, str]]) -> None:
    found = findings(replace(WELL, **changed), NO_CAUSES, LIMITS)
    assert [(finding.level, finding.key) for finding in found] == [
        (level, f"verdict.{key}") for level, key in told
    ]


def test_a_pause_of_several_workers_is_told_once_with_its_latest_end() -> None:
    [finding] = findings(replace(WELL, paused=PAUSED), NO_CAUSES, LIMITS)
    assert (finding.values, finding.at) == ({"upstreams": "cloudinary"}, LATER)


def test_pauses_of_several_upstreams_share_a_line() -> None:
    others = [{**PAUSED[0], "upstream": "a.example"}, *PAUSED]
    [finding] = findings(replace(WELL, paused=others), NO_CAUSES, LIMITS)
    assert (finding.values, finding.at) == ({"upstreams": "a.example, cloudinary"}, LATER)


def test_causes_of_the_last_day_are_told() -> None:
    ages = [timedelta(hours=1), timedelta(hours=23), timedelta(hours=25)]
    causes = [
        FailedCause("unexpected", "a.example", 5, True, NOW - age, NOW - age, UUID(int=1), None)  # noqa: FBT003  a record
        for age in ages
    ]
    [finding] = findings(WELL, FailedCauses(causes, are_all=True), LIMITS)
    assert (finding.level, finding.key) == (Level.WATCH, "verdict.failed")
    assert finding.values == {"count": 2}

"""Faults in the work: no worker runs, too many rows wait, links expire, rows have failed."""

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.acceptance.doctor.patient import Patient
from tests.support.panels import enqueue_panel
from tests.support.producing import FAILED, URL, change, enqueue, moment, storyboard
from tests.support.running_worker import RunningWorker
from tests.support.waiting import eventually, statuses


def complaint(patient: Patient, name: str) -> dict[str, str | None]:
    [found] = [check for check in patient.examine() if check["name"] == name]
    assert found["status"] != "pass"
    return found


@pytest.fixture
def panels(patient: Patient, origin: Origin) -> Origin:
    patient.settings["SOURCE_ALLOW_PRIVATE"] = "true"
    return origin


def test_rows_are_due_and_no_worker_runs(patient: Patient, panels: Origin) -> None:
    patient.owner.execute("DELETE FROM storyboard_workers")
    enqueue_panel(patient.owner, panels)
    found = complaint(patient, "workers")
    assert (found["status"], found["found"]) == ("fail", "none is alive, and rows are due")
    assert (found["fix"] or "").startswith("storyboard-worker run ")
    settings = {name: value for name, value in patient.settings.items() if name != "PORT"}
    worker = RunningWorker(settings)
    try:
        eventually(lambda: statuses(patient.owner) == {"ready": 1})
        assert complaint_names(patient) == {"source addresses"}
    finally:
        worker.stop_for_good()


def complaint_names(patient: Patient) -> set[str]:
    return {name for name, _ in patient.complaints()}


@pytest.mark.parametrize(
    ("name", "changed", "due_seconds_ago", "expires_in"),
    [
        ("backlog", {"HEALTH_MAX_WAITING": "2"}, 1, 86_400),
        ("oldest waiting", {}, 400, 86_400),
        ("expiring links", {}, 1, 3600),
    ],
)
def test_what_a_sweep_fixes(
    patient: Patient,
    panels: Origin,
    name: str,
    changed: dict[str, str],
    due_seconds_ago: float,
    expires_in: float,
) -> None:
    patient.settings |= changed
    for number in range(3):
        enqueue_panel(
            patient.owner,
            panels,
            f"panel-{number}.jpg",
            available_at=moment(patient.owner, -due_seconds_ago),
            source_expires_at=moment(patient.owner, expires_in),
        )
    assert complaint_names(patient) == {name, "source addresses"}
    patient.fix(complaint(patient, name))
    assert complaint_names(patient) == {"source addresses"}
    assert statuses(patient.owner) == {"ready": 3}


def test_leases_of_workers_that_are_gone(patient: Patient) -> None:
    patient.owner.execute(
        "INSERT INTO storyboards (source_url, status, attempts, claim_token, claimed_by, "
        "claimed_at, lease_expires_at, available_at) VALUES (%s, 'processing', 1, "
        "gen_random_uuid(), 'gone', now() - interval '1 hour', now() - interval '1 minute', "
        "now() - interval '1 hour')",
        [URL],
    )
    patient.fix(complaint(patient, "leases"))
    assert "leases" not in complaint_names(patient)
    assert statuses(patient.owner) == {"pending": 1}


def test_a_paused_upstream(patient: Patient) -> None:
    patient.owner.execute(
        """UPDATE storyboard_workers SET paused = '{"cloudinary": "2031-01-01T00:00:00+00:00"}'"""
    )
    found = complaint(patient, "pauses")
    assert "cloudinary is paused until 2031" in (found["found"] or "")
    patient.fix(found)


def test_all_workers_are_about_to_end(patient: Patient) -> None:
    patient.owner.execute("UPDATE storyboard_workers SET state = 'draining'")
    assert patient.complaints() == [("workers", "warn")]
    patient.owner.execute("UPDATE storyboard_workers SET state = 'running'")
    assert patient.complaints() == []


def test_workers_of_another_version(patient: Patient) -> None:
    patient.owner.execute("UPDATE storyboard_workers SET version = '0.0.1'")
    assert patient.complaints() == [("worker versions", "warn")]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("source_unauthorized", "401: the URL's signature or credential"),
        ("source_forbidden", "403 before the expiry"),
        ("storage_rejected", "within a day"),
    ],
)
def test_the_last_failures_by_cause(
    patient: Patient, producer: psycopg.Connection, code: str, meaning: str
) -> None:
    failed = [enqueue(producer) for _ in range(2)]
    for id_ in failed:
        columns = {**FAILED, "error_code": code, "errored_at": moment(producer, -60)}
        change(producer, id_, **columns)
    found = complaint(patient, "failures")
    assert f"2 rows: {code} at " in (found["found"] or "")
    assert meaning in (found["found"] or "")
    # The fix names two commands: put the rows back, and look at them before.
    assert isinstance(found["fix"], str)
    retry, _, look = found["fix"].partition("  # look first: ")
    patient.fix({**found, "fix": look})
    patient.fix({**found, "fix": retry})
    assert {storyboard(producer, id_)["status"] for id_ in failed} == {"pending"}
    assert "failures" not in complaint_names(patient)


def test_images_that_are_gone_are_not_to_be_tried_again(patient: Patient) -> None:
    failed = enqueue(patient.owner)
    errored_at = moment(patient.owner, -60)
    columns = {**FAILED, "error_code": "source_not_found", "errored_at": errored_at}
    change(patient.owner, failed, **columns)
    found = complaint(patient, "failures")
    assert "404: the image was deleted" in (found["found"] or "")
    assert found["fix"] == (
        "storyboard-worker list --status failed --error-code source_not_found"
        "  # generate these images again"
    )
    patient.fix(found)

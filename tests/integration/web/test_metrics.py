"""The metrics, read with Prometheus' own parser."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

import storyboard_worker
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from storyboard_worker.errors import AttemptError, ErrorCode
from tests.integration.web.served import AWAY, Serve, Served
from tests.support.attempts import new_claim
from tests.support.panels import IMAGE, enqueue_panel, enqueue_panels
from tests.support.producing import FAILED, enqueue

MONITORING = Path(storyboard_worker.__file__).parent / "monitoring"
OF_TABLE = {
    *("storyboard_waiting", "storyboard_oldest_waiting_seconds", "storyboard_processing"),
    *("storyboard_ready", "storyboard_failed", "storyboard_expiring_soon"),
    "storyboard_workers_alive",
}
OTHERS = {
    *("storyboard_attempts", "storyboard_attempt_errors", "storyboard_leases_lost"),
    *("storyboard_copied_bytes", "storyboard_attempt_seconds", "storyboard_source_seconds"),
    *("storyboard_storage_seconds", "storyboard_build_info", "storyboard_database_up"),
    *("storyboard_database_errors", "storyboard_upstream_paused_seconds", "storyboard_pauses"),
    *("storyboard_loop_silent_seconds", "storyboard_slots", "storyboard_slots_taken"),
    *("storyboard_listening", "storyboard_health_max_waiting"),
    *("storyboard_health_max_wait_seconds", "storyboard_process_virtual_memory_bytes"),
    *("storyboard_process_resident_memory_bytes", "storyboard_process_start_time_seconds"),
    *("storyboard_process_cpu_seconds", "storyboard_process_open_fds"),
    "storyboard_process_max_fds",
}


def scrape(served: Served) -> dict[str, Metric]:
    reply = served.get("/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {family.name: family for family in text_string_to_metric_families(reply.text)}


def value(families: dict[str, Metric], sample_name: str, **labels: str) -> float:
    (found,) = (
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == sample_name and sample.labels == labels
    )
    return found


def test_every_name(served: Served) -> None:
    families = scrape(served)
    assert families.keys() == OF_TABLE | OTHERS
    for name, family in families.items():
        assert family.documentation, name
        counted = family.type == "counter"
        assert counted == any(sample.name.endswith("_total") for sample in family.samples), name


def test_an_error_code_is_counted_before_it_occurs(served: Served) -> None:
    families = scrape(served)
    for code in ErrorCode:
        assert value(families, "storyboard_failed", error_code=code) == 0
        assert value(families, "storyboard_attempt_errors_total", error_code=code) == 0


def test_attempts_of_a_pass_and_of_one_row_are_counted(
    served: Served, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panels(producer, origin, 3)
    enqueue_panel(producer, origin, "missing.jpg", [Answer(410)])
    # It does not become due within the pass, however slow this is.
    later = Answer(503, headers={"Retry-After": "600"})
    enqueue_panel(producer, origin, "later.jpg", [later])
    assert served.cron().json["processed"] == 5
    assert served.process(enqueue_panel(producer, origin, "one.jpg")).json["status"] == "ready"
    enqueue(producer, **FAILED)

    families = scrape(served)

    assert value(families, "storyboard_attempts_total", outcome="ready") == 4
    assert value(families, "storyboard_attempts_total", outcome="failed") == 1
    assert value(families, "storyboard_attempts_total", outcome="retried") == 1
    for code in ("source_not_found", "source_unavailable"):
        assert value(families, "storyboard_attempt_errors_total", error_code=code) == 1
    assert value(families, "storyboard_copied_bytes_total") == 4 * len(IMAGE)
    assert value(families, "storyboard_attempt_seconds_count") == 6
    assert value(families, "storyboard_source_seconds_count") >= 4
    assert value(families, "storyboard_storage_seconds_count") == 4
    assert value(families, "storyboard_ready") == 4
    assert value(families, "storyboard_waiting") == 1
    assert value(families, "storyboard_failed", error_code="source_not_found") == 1
    assert value(families, "storyboard_failed", error_code="source_timeout") == 1


def test_a_pause_is_shown(served: Served) -> None:
    error = AttemptError(ErrorCode.STORAGE_UNAUTHORIZED, "no", upstream="cloudinary")
    served.http._parts.breakers.failed(new_claim(), error)
    families = scrape(served)
    paused = value(families, "storyboard_upstream_paused_seconds", upstream="cloudinary")
    assert 0 < paused <= 30
    assert value(families, "storyboard_pauses_total") == 1


def test_without_the_database_the_others_are_served(serve: Serve) -> None:
    families = scrape(serve(database_dsn=AWAY))
    assert families.keys() == OTHERS
    assert value(families, "storyboard_database_up") == 0
    assert value(families, "storyboard_database_errors_total") >= 1


def test_a_database_that_never_answers_is_waited_for_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, release: threading.Event
) -> None:
    served = serve()
    monkeypatch.setattr(served.http._table, "_patience_seconds", 0.2)
    monkeypatch.setattr(served.http._table, "_read", release.wait)
    for _ in range(3):
        assert value(scrape(served), "storyboard_database_up") == 0
    assert served.get("/healthz").status == 200


def expressions() -> Iterator[str]:
    alerts = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


@pytest.fixture
def scraped(served: Served) -> dict[str, set[str]]:
    """The labels of each sample. A pause exists, so that its label appears."""
    error = AttemptError(ErrorCode.STORAGE_UNAUTHORIZED, "no", upstream="cloudinary")
    served.http._parts.breakers.failed(new_claim(), error)
    return {
        sample.name: set(sample.labels)
        for family in scrape(served).values()
        for sample in family.samples
    }


def test_dashboard_and_alerts_name_only_what_exists(scraped: dict[str, set[str]]) -> None:
    checked = 0
    for expression in expressions():
        names = re.findall(r"\bstoryboard_\w+", expression)
        assert names, expression
        # Prometheus itself adds the label of the instance.
        labels = {"instance"}.union(*(scraped[name] for name in names))
        for asked in re.findall(r"\bby \(([^)]*)\)", expression):
            assert {label.strip() for label in asked.split(",")} <= labels, expression
        checked += len(names)
    assert checked > 20


def test_legends_name_labels_that_are_grouped_by() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert f"by ({label})" in target["expr"]


def test_there_are_three_alarms_and_each_says_what_to_do() -> None:
    alerts = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    assert len(rules) == 3
    for rule in rules:
        assert rule["annotations"].keys() == {"summary", "next_step"}
        assert "storyboard-worker " in rule["annotations"]["next_step"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Prometheus' promtool")
def test_promtool_accepts_the_rules_and_the_metrics(served: Served) -> None:
    rules = ["promtool", "check", "rules", str(MONITORING / "alerts.yml")]
    checked = subprocess.run(rules, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    text = served.get("/metrics").text
    metrics = ["promtool", "check", "metrics"]
    linted = subprocess.run(metrics, input=text, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr

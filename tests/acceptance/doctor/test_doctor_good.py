"""Every check of a good installation passes, and the examination leaves no trace in it."""

from storyboard_worker.cli.exits import Exit
from tests.acceptance.doctor.patient import Patient
from tests.support.catalog import catalog
from tests.support.database_url import url_of
from tests.support.pooler import transaction_pooler
from tests.support.producing import FAILED, change, enqueue
from tests.support.running_command import StoryboardWorker
from tests.support.sentry_server import SentryServer

NAMES = [
    *("settings", "descriptors", "spool folder", "database", "database version", "connection"),
    *(
        "notifications",
        "connections",
        "clock",
        "open transactions",
        "schema",
        "schema parts",
        "claim",
        "claim",
    ),
    *("row-level security", "rights", "realtime", "vacuum", "workers", "backlog", "oldest waiting"),
    *("expiring links", "failures", "cloudinary", "cloudinary plan", "sentry"),
]


def test_a_good_installation_passes_every_check(patient: Patient) -> None:
    checks = patient.examine()
    assert [check for check in checks if check["status"] != "pass"] == []
    assert [check["name"] for check in checks] == NAMES


def test_it_is_shown_line_by_line(patient: Patient) -> None:
    command = StoryboardWorker(patient.settings)
    shown = command("doctor")
    assert shown.code == Exit.DONE, shown.shown()
    lines = shown.out.splitlines()
    assert [line[:2] for line in lines] == ["✓ "] * len(NAMES)
    patient.owner.execute("ALTER TABLE storyboards DISABLE ROW LEVEL SECURITY")
    shown = command("doctor")
    command.close()
    assert shown.code == Exit.BAD_ANSWER
    lines = shown.out.splitlines()
    fault = next(number for number, line in enumerate(lines) if line.startswith("✗ "))
    assert "storyboards" in lines[fault]
    assert lines[fault + 1].strip() == (
        "fix: ALTER TABLE public.storyboards ENABLE ROW LEVEL SECURITY;"
    )


def test_nothing_is_changed(patient: Patient, dsn: str) -> None:
    failed = enqueue(patient.owner)
    change(patient.owner, failed, **FAILED)
    enqueue(patient.owner)

    def contents() -> list[object]:
        rows = [
            patient.owner.execute(f"SELECT t.*, t.xmin::text FROM {table} AS t").fetchall()
            for table in ("storyboards", "storyboard_workers", "storyboard_alarms")
        ]
        return [rows, catalog(dsn)]

    before = contents()
    patient.examine()
    assert contents() == before


def test_the_only_trace_is_an_event_in_sentry(patient: Patient, sentry: SentryServer) -> None:
    patient.examine()
    (event,) = sentry.events
    assert event["level"] == "info"
    assert event["fingerprint"] == ["storyboard-worker", "doctor"]


def test_behind_a_transaction_pooler_only_polling_is_mentioned(patient: Patient, dsn: str) -> None:
    with transaction_pooler(dsn) as pooled:
        patient.settings["DATABASE_URL"] = url_of(pooled)
        checks = {check["name"]: check for check in patient.examine()}
    assert checks["connection"]["found"].startswith("transaction pooler")
    assert checks["notifications"]["status"] == "warn"
    assert "session pooler (port 5432)" in checks["notifications"]["fix"]
    assert [name for name, check in checks.items() if check["status"] != "pass"] == [
        "notifications"
    ]

"""Faults outside the database: settings, Cloudinary, Sentry, Railway, the clock."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from storyboard_worker.cli.exits import Exit
from storyboard_worker.database import Database
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.doctor import examination
from storyboard_worker.doctor.check import Check, Status, passed
from storyboard_worker.doctor.server_checks import ServerChecks
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting import probe
from storyboard_worker.transfer import cloudinary_account as account
from tests.acceptance.doctor.patient import Patient
from tests.support.running_command import StoryboardWorker
from tests.support.sentry_server import PUBLIC_KEY

DIFFERENCE = re.compile(r" by ([\d.]+) s")
ROUNDING_SECONDS = 0.051
Plant = Callable[[dict[str, str]], object]

# The settings with the planted fault, and the check that must find it.
PLANTED: dict[str, tuple[dict[str, str | None], tuple[str, str]]] = {
    "a variable of the old queue": (
        {"REDIS_URL": "redis://default:geheim-17@redis.example:6379"},
        ("old variables", "warn"),
    ),
    "more variables of the old queue": (
        {"UPSTASH_REDIS_REST_TOKEN": "geheim-17", "BULLMQ_QUEUE": "panels"},
        ("old variables", "warn"),
    ),
    "variables of a host's Redis": (
        {"REDISHOST": "redis.example", "REDISPASSWORD": "geheim-17", "KV_REST_API_TOKEN": "x"},
        ("old variables", "warn"),
    ),
    "a Cloudinary address that cannot be one": (
        {"CLOUDINARY_URL": "https://key:geheim-17@demo"},
        ("settings", "fail"),
    ),
    "no Sentry": ({"SENTRY_DSN": None}, ("sentry settings", "warn")),
    "no Cloudinary": ({"CLOUDINARY_URL": None}, ("cloudinary settings", "fail")),
    "a short secret": ({"CRON_SECRET": "short"}, ("secrets", "warn")),
    "a token of words for the board": (
        {"BOARD_TOKEN": "correct horse battery staple"},
        ("secrets", "warn"),
    ),
    "no secret for the cron route": ({"CRON_SECRET": None}, ("secrets", "warn")),
    "private addresses": ({"SOURCE_ALLOW_PRIVATE": "true"}, ("source addresses", "warn")),
    "no draining on Railway": ({"RAILWAY_REPLICA_ID": "1"}, ("railway", "warn")),
    "too little draining on Railway": (
        {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "5", "SHUTDOWN_GRACE_SECONDS": "20"},
        ("railway", "fail"),
    ),
    "draining seconds that are none": (
        {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "soon"},
        ("settings", "fail"),
    ),
    "larger images than the plan takes": (
        {"MAX_IMAGE_BYTES": "20000000"},
        ("cloudinary plan", "warn"),
    ),
}
# The fix is a copy from a console, which the test has to make here.
COPIED = {
    "no Sentry": "SENTRY_DSN",
    "no Cloudinary": "CLOUDINARY_URL",
    "a Cloudinary address that cannot be one": "CLOUDINARY_URL",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_setting_is_found_and_fixed(patient: Patient, fault: str) -> None:
    changes, expected = PLANTED[fault]
    good = dict(patient.settings)
    patient.secrets.append("geheim-17")
    for name, value in changes.items():
        patient.settings.pop(name, None)
        patient.settings |= {} if value is None else {name: value}
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == expected
    if fault in COPIED:
        assert f"set {COPIED[fault]}" in complaint["fix"]
        patient.settings[COPIED[fault]] = good[COPIED[fault]]
    else:
        patient.fix(complaint)
    assert patient.complaints() == []


def test_every_wrong_setting_is_reported_and_the_exit_code_is_2(
    patient: Patient,
) -> None:
    wrong = {"MAX_ATTEMPTS": "none", "LEASE_SECONDS": "-1", "LOG_FORMAT": "xml"}
    patient.settings |= wrong
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    assert [(check["name"], check["status"]) for check in complaints] == [("settings", "fail")] * 3
    assert all(any(name in check["found"] for check in complaints) for name in wrong)

    command = StoryboardWorker(patient.settings)
    shown = command("doctor")
    command.close()
    assert shown.code == Exit.USAGE
    assert shown.out.count("✗ settings: ") == 3
    assert len(shown.error_lines) == 1

    for check in complaints[:2]:
        patient.fix(check)
    del patient.settings["LOG_FORMAT"]
    assert patient.complaints() == []


def test_a_malformed_host(patient: Patient) -> None:
    patient.settings["SOURCE_HOSTS"] = "https://images.example"
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == ("settings", "fail")
    assert complaint["fix"].startswith("set SOURCE_HOSTS to a host like images.example.com ")
    patient.settings["SOURCE_HOSTS"] = "images.example.com"
    assert patient.complaints() == []


def test_the_address_stands_under_another_name(patient: Patient) -> None:
    patient.settings["POSTGRES_URL"] = patient.settings.pop("DATABASE_URL")
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    assert [check["status"] for check in complaints] == ["fail", "warn"]
    # Without a database the other checks still run.
    assert {"cloudinary", "sentry"} <= {check["name"] for check in patient.examine()}
    patient.fix(complaints[1])
    assert patient.complaints() == []


def test_another_cloud_than_the_url_names(patient: Patient, cloudinary: Cloudinary) -> None:
    patient.settings |= {
        "CLOUDINARY_CLOUD_NAME": cloudinary.cloud_name,
        "CLOUDINARY_API_KEY": cloudinary.api_key,
        "CLOUDINARY_API_SECRET": cloudinary.api_secret,
        "CLOUDINARY_UPLOAD_PREFIX": cloudinary.url,
        "CLOUDINARY_URL": "cloudinary://key:geheim-17@other",
    }
    patient.secrets.append("geheim-17")
    assert patient.complaints() == [("cloudinary settings", "warn")]
    del patient.settings["CLOUDINARY_URL"]
    assert patient.complaints() == []


def test_cloudinary_refuses(patient: Patient, cloudinary: Cloudinary) -> None:
    right, cloudinary.api_secret = cloudinary.api_secret, "rotated-since"
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == ("cloudinary", "fail")
    assert "401" in complaint["found"]
    assert "CLOUDINARY_URL" in complaint["fix"]
    patient.settings["CLOUDINARY_URL"] = cloudinary.configuration_url
    patient.secrets += [right, "rotated-since"]
    assert patient.complaints() == []


def test_cloudinary_is_away(patient: Patient) -> None:
    patient.settings["CLOUDINARY_UPLOAD_PREFIX"] = "http://127.0.0.1:1"
    assert patient.complaints() == [("cloudinary", "fail")]
    command = StoryboardWorker(patient.settings)
    shown = command("doctor")
    command.close()
    assert (shown.code, shown.err) == (Exit.BAD_ANSWER, "")
    del patient.settings["CLOUDINARY_UPLOAD_PREFIX"]
    assert patient.complaints() == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda dsn: f"{dsn}1", "refuses events: 404"),
        (lambda _: "http://0123456789abcdef0123456789abcdef@127.0.0.1:1/42", "does not answer"),
    ],
)
def test_sentry_refuses_events(patient: Patient, change: Callable[[str], str], found: str) -> None:
    good = patient.settings["SENTRY_DSN"]
    patient.settings["SENTRY_DSN"] = change(good)
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == ("sentry", "fail")
    assert complaint["found"].startswith(found)
    patient.settings["SENTRY_DSN"] = good
    assert patient.complaints() == []


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The system accepts connections, and no answer comes on any of them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_cloudinary_and_sentry_never_answer(
    patient: Patient, silent_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(probe, "TIMEOUT_SECONDS", 0.1)
    patient.settings["CLOUDINARY_UPLOAD_PREFIX"] = f"http://{silent_address}"
    patient.settings["SENTRY_DSN"] = f"http://{PUBLIC_KEY}@{silent_address}/42"
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    assert [(check["name"], check["status"]) for check in complaints] == [
        ("cloudinary", "fail"),
        ("sentry", "fail"),
    ]
    assert all("does not answer" in check["found"] for check in complaints)


@pytest.mark.parametrize(
    ("ahead", "status"), [(0, "pass"), (5, "warn"), (-5, "warn"), (90, "fail"), (-90, "fail")]
)
def test_the_clock(database: Database, ahead: float, status: str) -> None:
    server = ServerChecks(database, WorkerRegister(database, lease_seconds=60))
    asked: list[datetime] = []

    def now() -> datetime:
        asked.append(datetime.now(UTC))
        return asked[-1] + timedelta(seconds=ahead)

    (check,) = server.clock(now)
    assert check.status == status
    told = DIFFERENCE.search(check.found)
    assert told is not None
    half_a_round_trip = (asked[-1] - asked[0]).total_seconds() / 2
    assert abs(float(told[1]) - abs(ahead)) < half_a_round_trip + ROUNDING_SECONDS


def test_a_check_that_hangs_does_not_delay_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PATIENCE_SECONDS", 0.2)
    never = threading.Event()

    def hanging() -> list[Check]:
        never.wait(30)
        return []

    rooms = [("slow", lambda: iter(hanging())), ("quick", lambda: iter([passed("quick", "well")]))]
    slow, quick = examination.examine(rooms)
    never.set()
    assert [(check.name, check.status) for check in slow] == [("slow", Status.FAILED)]
    assert quick == [passed("quick", "well")]

"""Every setting of the contract's table: its default, a good value, a bad one."""

import re
from typing import Any

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.reading import Settings, read_settings
from storyboard_worker.settings.sentry import SentrySettings

PASSWORD = "database-hunter2"
DATABASE = {"DATABASE_URL": f"postgresql://app:{PASSWORD}@db.example.com/postgres"}


def read(**variables: str) -> Settings:
    return read_settings({**DATABASE, **variables})


# Variable, attribute, default, a good value and its meaning.
TABLE = [
    ("WORKER_CONCURRENCY", "worker_concurrency", 16, "4", 4),
    ("PROCESSES", "processes", 1, "3", 3),
    ("LEASE_SECONDS", "lease_seconds", 60, "12.5", 12.5),
    ("ATTEMPT_TIMEOUT_SECONDS", "attempt_timeout_seconds", 120, "90", 90),
    ("CONNECT_TIMEOUT_SECONDS", "connect_timeout_seconds", 10, "3", 3),
    ("READ_TIMEOUT_SECONDS", "read_timeout_seconds", 30, "5", 5),
    ("POLL_INTERVAL_SECONDS", "poll_interval_seconds", 2, "0.5", 0.5),
    ("SHUTDOWN_GRACE_SECONDS", "shutdown_grace_seconds", 10, "0", 0),
    ("MAX_ATTEMPTS", "max_attempts", 8, "3", 3),
    ("DATABASE_TIMEOUT_SECONDS", "database_timeout_seconds", 15, "7.5", 7.5),
    ("MAX_IMAGE_BYTES", "max_image_bytes", 10_485_760, "104857600", 104_857_600),
    ("VERIFY_STORED", "verify_stored", "hash", "size", "size"),
    ("SOURCE_HOSTS", "source_hosts", (), "a.example, *.B.example", ("a.example", "*.b.example")),
    ("SOURCE_ALLOW_PRIVATE", "source_allow_private", False, "true", True),
    ("CDN_CHECK", "cdn_check", True, "false", False),
    ("HEALTH_MAX_WAITING", "health_max_waiting", 100, "7", 7),
    ("HEALTH_MAX_WAIT_SECONDS", "health_max_wait_seconds", 300, "60", 60),
    ("PORT", "port", None, "8080", 8080),
    ("PORT", "port", None, "65535", 65_535),
    ("CRON_SECRET", "cron_secret", None, "s3cret", "s3cret"),
    ("BOARD_TOKEN", "board_token", None, " t0ken ", "t0ken"),
    ("LOG_FORMAT", "log_format", None, "json", "json"),
    ("LOG_FORMAT", "log_format", None, "console", "console"),
    ("VERIFY_STORED", "verify_stored", "hash", "hash", "hash"),
]


@pytest.mark.parametrize(("variable", "attribute", "default", "raw", "value"), TABLE)
def test_default_good_value_and_empty(
    variable: str, attribute: str, default: object, raw: str, value: object
) -> None:
    assert getattr(read(), attribute) == default
    assert getattr(read(**{variable: ""}), attribute) == default
    assert getattr(read(**{variable: raw}), attribute) == value


COUNTS = [
    "WORKER_CONCURRENCY",
    "PROCESSES",
    "MAX_ATTEMPTS",
    "MAX_IMAGE_BYTES",
    "HEALTH_MAX_WAITING",
]
TIMES = [
    "LEASE_SECONDS",
    "ATTEMPT_TIMEOUT_SECONDS",
    "CONNECT_TIMEOUT_SECONDS",
    "READ_TIMEOUT_SECONDS",
    "POLL_INTERVAL_SECONDS",
    "HEALTH_MAX_WAIT_SECONDS",
    "DATABASE_TIMEOUT_SECONDS",
]
BAD = [
    *((name, raw) for name in COUNTS for raw in ("0", "-1", "1.5", "many")),
    *((name, raw) for name in TIMES for raw in ("0", "-1", "soon", "inf")),
    ("SHUTDOWN_GRACE_SECONDS", "-1"),
    ("SHUTDOWN_GRACE_SECONDS", "x"),
    ("RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "x"),
    *(("PORT", raw) for raw in ("0", "-1", "65536", "http", "80.5", "٣")),
    ("VERIFY_STORED", "etag"),
    ("SOURCE_ALLOW_PRIVATE", "perhaps"),
    ("CDN_CHECK", "sometimes"),
    ("LOG_FORMAT", "xml"),
    ("SENTRY_TRACES_SAMPLE_RATE", "2"),
    ("SENTRY_TRACES_SAMPLE_RATE", "-0.5"),
    ("SENTRY_DSN", "sentry.example.com/1"),
    ("SENTRY_DSN", "https://sentry.example.com/1"),
    ("SENTRY_DSN", "https://:secret@sentry.example.com/1"),
    ("SENTRY_DSN", "https://key@sentry.example.com:port/1"),
    ("SENTRY_DSN", "https://key@sentry.example.com/project"),
    *(
        ("SENTRY_URL", raw)
        for raw in ("sentry.example", "javascript:x", "https://a/#b", "https://a b")
    ),
    ("SENTRY_URL", "https://user:password@sentry.example/"),
    ("SOURCE_HOSTS", "https://a.example"),
    ("SOURCE_HOSTS", "a.example/path"),
    ("SOURCE_HOSTS", "a.example:8080"),
    ("SOURCE_HOSTS", "*"),
    ("SOURCE_HOSTS", "a.*.example"),
    ("CLOUDINARY_FOLDER", "a?b"),
    ("CLOUDINARY_FOLDER", "/"),
    ("CLOUDINARY_FOLDER", "a\r\nb"),
    *(
        ("CLOUDINARY_DELIVERY", raw)
        for raw in ("auto", "f_auto q_auto", "/f_auto", "f_auto/", "f_auto,", "f_auto//q_auto")
    ),
    *(("CLOUDINARY_DELIVERY", raw) for raw in ("w_1/../x", "f_auto?x", "f_auto#x", "f_\u00e4")),
    ("CLOUDINARY_DELIVERY", "s--abcdefgh--/f_auto"),
]


@pytest.mark.parametrize(("variable", "raw"), BAD)
def test_a_bad_value_is_one_line_that_names_the_variable(variable: str, raw: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(**{variable: raw})
    message = str(raised.value)
    assert variable in message
    assert "\n" not in message
    assert "\r" not in message
    assert PASSWORD not in message


@pytest.mark.parametrize("variables", [{}, {"DATABASE_URL": ""}, {"DATABASE_URL": "  "}])
def test_a_database_is_required(variables: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is not set: "):
        read_settings(variables)


def test_the_database_is_read_as_libpq_reads_it() -> None:
    settings = read_settings({"DATABASE_URL": "postgres+asyncpg://a:b@c/d?pgbouncer=true"})
    assert settings.database_dsn == "postgresql://a:b@c/d"


def test_the_grace_falls_back_to_railways_draining_time() -> None:
    railway = {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "25"}
    assert read(**railway).shutdown_grace_seconds == 25
    assert read(**railway, SHUTDOWN_GRACE_SECONDS="5").shutdown_grace_seconds == 5
    assert read(RAILWAY_DEPLOYMENT_DRAINING_SECONDS="0").shutdown_grace_seconds == 0


def test_sentry_is_off_by_default() -> None:
    assert read().sentry == SentrySettings()


def test_sentry_reads_its_own_variables_before_railways() -> None:
    railway = {"RAILWAY_ENVIRONMENT_NAME": "staging", "RAILWAY_GIT_COMMIT_SHA": "abc123"}
    sentry = {
        "SENTRY_DSN": "https://key@o1.sentry.example.com/42",
        "SENTRY_TRACES_SAMPLE_RATE": "0.25",
    }
    own = {"SENTRY_ENVIRONMENT": "production", "SENTRY_RELEASE": "v1"}
    dsn = sentry["SENTRY_DSN"]
    assert read(**sentry, **railway).sentry == SentrySettings(dsn, "staging", "abc123", 0.25)
    assert read(**sentry, **railway, **own).sentry == SentrySettings(dsn, "production", "v1", 0.25)


@pytest.mark.parametrize(
    "dsn",
    [
        "https://key@sentry.example.com/42",
        "http://key:secret@127.0.0.1:9000/1",
        "https://key@sentry.example.com/some/path/42",
        "https://key@[::1]:9000/1",
    ],
)
def test_every_form_of_a_sentry_dsn_is_taken(dsn: str) -> None:
    assert read(SENTRY_DSN=dsn).sentry.dsn == dsn


def test_addresses_are_allowed_as_source_hosts() -> None:
    assert read(SOURCE_HOSTS="127.0.0.1, [::1],").source_hosts == ("127.0.0.1", "::1")


def test_every_secret_is_known_to_be_one() -> None:
    secrets = {
        "CRON_SECRET": "cron-hunter2",
        "BOARD_TOKEN": "board-hunter2",
        "CLOUDINARY_URL": "cloudinary://1234567890:api-hunter2@demo",
    }
    known = {PASSWORD, "cron-hunter2", "board-hunter2", "1234567890", "api-hunter2"}
    assert set(read(**secrets).secrets) == known


class Spy(dict[str, str]):
    """Variables that remember which of them were asked for."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def test_no_variable_is_read_that_these_tests_do_not_know() -> None:
    spy = Spy({**DATABASE, "CLOUDINARY_URL": "cloudinary://k:s@c"})
    read_settings(spy)
    known = {row[0] for row in TABLE} | {row[0] for row in BAD} | set(DATABASE)
    known |= {"RAILWAY_ENVIRONMENT_NAME", "RAILWAY_GIT_COMMIT_SHA"}
    unknown = {name for name in spy.asked - known if not re.match(r"CLOUDINARY_|SENTRY_|PG", name)}
    assert unknown == set()


def test_the_address_of_sentrys_issues() -> None:
    url = "https://example.sentry.io/issues/?project=42"
    assert read().sentry.url is None
    assert read(SENTRY_URL=url).sentry.url == url

"""The settings, read once from environment variables.

Every setting is listed in the README's table. A wrong or missing one raises
:class:`SettingsError`, whose message is one line that names the variable and the fix.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from storyboard_worker.errors import SettingsError
from storyboard_worker.logs import LogFormat
from storyboard_worker.settings.cloudinary import CloudinarySettings, read_cloudinary
from storyboard_worker.settings.dsn import EMBEDDED, dsn_from_url
from storyboard_worker.settings.environment import Environment
from storyboard_worker.settings.libpq.connection import check_connection, secrets_of
from storyboard_worker.settings.processes import read_processes
from storyboard_worker.settings.sentry import SentrySettings, read_sentry

MOST_CONCURRENCY = 1000
MOST_PORT = 65_535

Verify = Literal["hash", "size"]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings.

    ``database_dsn`` is in libpq's form, or ``embedded``. ``processes`` share
    ``worker_concurrency``. ``secrets`` are the texts that must
    never be shown.
    """

    database_dsn: str
    cloudinary: CloudinarySettings | None
    sentry: SentrySettings
    worker_concurrency: int = 16
    processes: int = 1
    lease_seconds: float = 60
    attempt_timeout_seconds: float = 120
    connect_timeout_seconds: float = 10
    read_timeout_seconds: float = 30
    poll_interval_seconds: float = 2
    shutdown_grace_seconds: float = 10
    max_attempts: int = 8
    database_timeout_seconds: float = 15
    max_image_bytes: int = 10_485_760
    verify_stored: Verify = "hash"
    source_hosts: tuple[str, ...] = ()
    source_allow_private: bool = False
    cdn_check: bool = True
    health_max_waiting: int = 100
    health_max_wait_seconds: float = 300
    port: int | None = None
    cron_secret: str | None = None
    board_token: str | None = None
    log_format: LogFormat | None = None
    secrets: tuple[str, ...] = ()

    @property
    def folder(self) -> str | None:
        """That of the public ids; ``None`` without Cloudinary."""
        return None if self.cloudinary is None else self.cloudinary.folder

    def require_cloudinary(self) -> CloudinarySettings:
        """Raises :class:`SettingsError` when nothing can be uploaded."""
        if self.cloudinary is None:
            raise SettingsError(
                "CLOUDINARY_URL is not set: copy it from the Cloudinary console "
                "(cloudinary://API_KEY:API_SECRET@CLOUD_NAME)"
            )
        return self.cloudinary


def read_settings(variables: Mapping[str, str]) -> Settings:
    """Raises :class:`SettingsError` for the first setting that is wrong or missing."""
    env = Environment(variables)
    dsn = _database_dsn(env, variables)
    cloudinary = read_cloudinary(env)
    worker_concurrency = env.count("WORKER_CONCURRENCY", 16, most=MOST_CONCURRENCY)
    return Settings(
        database_dsn=dsn,
        cloudinary=cloudinary,
        sentry=read_sentry(env),
        worker_concurrency=worker_concurrency,
        processes=read_processes(env, worker_concurrency),
        lease_seconds=env.seconds("LEASE_SECONDS", 60),
        attempt_timeout_seconds=env.seconds("ATTEMPT_TIMEOUT_SECONDS", 120),
        connect_timeout_seconds=env.seconds("CONNECT_TIMEOUT_SECONDS", 10),
        read_timeout_seconds=env.seconds("READ_TIMEOUT_SECONDS", 30),
        poll_interval_seconds=env.seconds("POLL_INTERVAL_SECONDS", 2),
        shutdown_grace_seconds=_shutdown_grace_seconds(env),
        max_attempts=env.count("MAX_ATTEMPTS", 8),
        database_timeout_seconds=env.seconds("DATABASE_TIMEOUT_SECONDS", 15),
        max_image_bytes=env.count("MAX_IMAGE_BYTES", 10_485_760),
        verify_stored=_verify(env),
        source_hosts=_source_hosts(env),
        source_allow_private=env.flag("SOURCE_ALLOW_PRIVATE"),
        cdn_check=env.flag("CDN_CHECK", default=True),
        health_max_waiting=env.count("HEALTH_MAX_WAITING", 100),
        health_max_wait_seconds=env.seconds("HEALTH_MAX_WAIT_SECONDS", 300),
        port=port_of(env),
        cron_secret=env.text("CRON_SECRET"),
        board_token=env.text("BOARD_TOKEN"),
        log_format=read_log_format(env),
        secrets=_secrets(env, dsn, cloudinary, variables),
    )


def _database_dsn(env: Environment, variables: Mapping[str, str]) -> str:
    url = env.text("DATABASE_URL")
    if url is None:
        raise SettingsError(
            "DATABASE_URL is not set: give the database's URL, like "
            "postgresql://user:password@host:5432/postgres, or embedded"
        )
    dsn = dsn_from_url(url)
    if dsn != EMBEDDED:
        check_connection(dsn, variables)
    return dsn


def read_log_format(env: Environment) -> LogFormat | None:
    """``None`` if it is not set: then it depends on whether stderr is a terminal."""
    match env.choice("LOG_FORMAT", ("console", "json")):
        case "console":
            return "console"
        case "json":
            return "json"
        case _:
            return None


def port_of(env: Environment) -> int | None:
    """PORT, or ``None`` where it is not set."""
    raw = env.text("PORT")
    if raw is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", raw) or not 1 <= int(raw) <= MOST_PORT:
        raise SettingsError(
            f"PORT must be a whole number from 1 to {MOST_PORT}, like 8080, or not be set: "
            "then nothing is served"
        )
    return int(raw)


def _verify(env: Environment) -> Verify:
    return "size" if env.choice("VERIFY_STORED", ("hash", "size")) == "size" else "hash"


def _shutdown_grace_seconds(env: Environment) -> float:
    # Railway kills a process so long after SIGTERM, so it is the best default there.
    draining = env.seconds("RAILWAY_DEPLOYMENT_DRAINING_SECONDS", 10, zero_allowed=True)
    return env.seconds("SHUTDOWN_GRACE_SECONDS", draining, zero_allowed=True)


def _source_hosts(env: Environment) -> tuple[str, ...]:
    raw = env.text("SOURCE_HOSTS") or ""
    hosts = tuple(host.strip().lower() for host in raw.split(",") if host.strip())
    for number, host in enumerate(hosts, 1):
        if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[?[0-9a-f:.]+\]?", host):
            raise SettingsError(
                f"SOURCE_HOSTS: host number {number} must be a host like images.example.com or "
                "*.bytepluses.com, without scheme, port or path"
            )
    return tuple(host.strip("[]") for host in hosts)


def _secrets(
    env: Environment,
    dsn: str,
    cloudinary: CloudinarySettings | None,
    variables: Mapping[str, str],
) -> tuple[str, ...]:
    found = [env.text("CRON_SECRET"), env.text("BOARD_TOKEN")]
    if dsn != EMBEDDED:
        found += secrets_of(dsn, variables)
    if cloudinary is not None:
        found += [cloudinary.api_secret, cloudinary.api_key]
    return tuple(secret for secret in found if secret)

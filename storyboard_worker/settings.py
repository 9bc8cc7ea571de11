"""The settings, read once from environment variables.

Every setting is listed in the README's table. A wrong or missing one raises
:class:`SettingsError`, whose message is one line that names the variable and the mend.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from storyboard_worker.dsn import dsn_from_url, password_of
from storyboard_worker.environment import Environment
from storyboard_worker.errors import SettingsError
from storyboard_worker.logs import LogFormat

MOST_CONCURRENCY = 1000
MOST_PORT = 65_535
DEFAULT_UPLOAD_PREFIX = "https://api.cloudinary.com"

Verify = Literal["hash", "size"]


@dataclass(frozen=True, slots=True)
class CloudinarySettings:
    """Where and as whom to upload."""

    cloud_name: str
    api_key: str
    api_secret: str
    upload_prefix: str = DEFAULT_UPLOAD_PREFIX
    folder: str = "storyboards"


@dataclass(frozen=True, slots=True)
class SentrySettings:
    """``dsn`` None: reporting is off. ``…_monitor`` are slugs, ``sweep_schedule`` the five fields
    of a crontab in UTC."""

    dsn: str | None = None
    environment: str | None = None
    release: str | None = None
    traces_sample_rate: float | None = None
    sweep_monitor: str = "storyboard-sweep"
    sweep_schedule: str = "*/5 * * * *"
    worker_monitor: str = "storyboard-worker"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment says.

    ``database_dsn`` is in libpq's form, or ``embedded``. ``secrets`` are the texts that must
    never be shown.
    """

    database_dsn: str
    cloudinary: CloudinarySettings | None
    sentry: SentrySettings
    worker_concurrency: int = 16
    lease_seconds: float = 60
    attempt_timeout_seconds: float = 120
    connect_timeout_seconds: float = 10
    read_timeout_seconds: float = 30
    poll_interval_seconds: float = 2
    shutdown_grace_seconds: float = 10
    max_attempts: int = 8
    max_image_bytes: int = 10_485_760
    verify_stored: Verify = "hash"
    source_hosts: tuple[str, ...] = ()
    source_allow_private: bool = False
    health_max_waiting: int = 100
    health_max_wait_seconds: float = 300
    port: int | None = None
    cron_secret: str | None = None
    log_format: LogFormat | None = None
    secrets: tuple[str, ...] = ()

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
    url = env.text("DATABASE_URL")
    if url is None:
        raise SettingsError(
            "DATABASE_URL is not set: give the database's URL, like "
            "postgresql://user:password@host:5432/postgres, or embedded"
        )
    dsn = dsn_from_url(url)
    cloudinary = _cloudinary(env)
    return Settings(
        database_dsn=dsn,
        cloudinary=cloudinary,
        sentry=_sentry(env),
        worker_concurrency=env.count("WORKER_CONCURRENCY", 16, most=MOST_CONCURRENCY),
        lease_seconds=env.seconds("LEASE_SECONDS", 60),
        attempt_timeout_seconds=env.seconds("ATTEMPT_TIMEOUT_SECONDS", 120),
        connect_timeout_seconds=env.seconds("CONNECT_TIMEOUT_SECONDS", 10),
        read_timeout_seconds=env.seconds("READ_TIMEOUT_SECONDS", 30),
        poll_interval_seconds=env.seconds("POLL_INTERVAL_SECONDS", 2),
        shutdown_grace_seconds=_shutdown_grace_seconds(env),
        max_attempts=env.count("MAX_ATTEMPTS", 8),
        max_image_bytes=env.count("MAX_IMAGE_BYTES", 10_485_760),
        verify_stored=_verify(env),
        source_hosts=_source_hosts(env),
        source_allow_private=env.flag("SOURCE_ALLOW_PRIVATE"),
        health_max_waiting=env.count("HEALTH_MAX_WAITING", 100),
        health_max_wait_seconds=env.seconds("HEALTH_MAX_WAIT_SECONDS", 300),
        port=_port(env),
        cron_secret=env.text("CRON_SECRET"),
        log_format=read_log_format(env),
        secrets=_secrets(env, dsn, cloudinary),
    )


def read_log_format(env: Environment) -> LogFormat | None:
    """``None``: by whether the output is a terminal."""
    match env.choice("LOG_FORMAT", ("console", "json")):
        case "console":
            return "console"
        case "json":
            return "json"
        case _:
            return None


def _port(env: Environment) -> int | None:
    raw = env.text("PORT")
    if raw is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", raw) or not 1 <= int(raw) <= MOST_PORT:
        raise SettingsError(
            f"PORT={raw!r} must be a whole number from 1 to {MOST_PORT}, like 8080, or not be set: "
            "then nothing is served"
        )
    return int(raw)


def _verify(env: Environment) -> Verify:
    return "size" if env.choice("VERIFY_STORED", ("hash", "size")) == "size" else "hash"


def _shutdown_grace_seconds(env: Environment) -> float:
    # Railway kills that long after SIGTERM, so it is the natural default there.
    draining = env.seconds("RAILWAY_DEPLOYMENT_DRAINING_SECONDS", 10, zero_allowed=True)
    return env.seconds("SHUTDOWN_GRACE_SECONDS", draining, zero_allowed=True)


def _sentry(env: Environment) -> SentrySettings:
    dsn = env.text("SENTRY_DSN")
    # What the SDK would refuse later with a traceback: no key, a port that is no number.
    form = r"https?://[^@:/\s]+(:[^@/\s]*)?@([^@:/\s]+|\[[0-9a-f:]+\])(:\d{1,5})?(/\S*)?/\d+"
    if dsn is not None and not re.fullmatch(form, dsn):
        raise SettingsError(
            "SENTRY_DSN cannot be one: copy it from Sentry, Project settings, Client keys "
            "(https://KEY@HOST/PROJECT), or unset it to switch reporting off"
        )
    return SentrySettings(
        dsn=dsn,
        environment=env.text("SENTRY_ENVIRONMENT") or env.text("RAILWAY_ENVIRONMENT_NAME"),
        release=env.text("SENTRY_RELEASE") or env.text("RAILWAY_GIT_COMMIT_SHA"),
        traces_sample_rate=env.rate("SENTRY_TRACES_SAMPLE_RATE"),
        sweep_monitor=_monitor(env, "SENTRY_SWEEP_MONITOR", "storyboard-sweep"),
        sweep_schedule=_schedule(env),
        worker_monitor=_monitor(env, "SENTRY_WORKER_MONITOR", "storyboard-worker"),
    )


def _monitor(env: Environment, name: str, default: str) -> str:
    slug = env.text(name) or default
    # https://docs.sentry.io/product/crons/getting-started/http/
    if not re.fullmatch(r"[a-z0-9_-]{1,50}", slug):
        raise SettingsError(
            f"{name}={slug!r} must be a monitor's slug: up to 50 of a-z, 0-9, _ and -, "
            f"like {default}"
        )
    return slug


def _schedule(env: Environment) -> str:
    schedule = env.text("SENTRY_SWEEP_SCHEDULE") or "*/5 * * * *"
    if not re.fullmatch(r"[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}", schedule):
        raise SettingsError(
            f"SENTRY_SWEEP_SCHEDULE={schedule!r} must be the five fields of a crontab, in UTC, "
            "like */5 * * * *"
        )
    return schedule


def _cloudinary(env: Environment) -> CloudinarySettings | None:
    """As the official SDK reads it: with a cloud name set, the URL is ignored."""
    folder = _folder(env)
    if env.text("CLOUDINARY_CLOUD_NAME") is not None:
        return _cloudinary_from_parts(env, folder)
    url = env.text("CLOUDINARY_URL")
    return None if url is None else _cloudinary_from_url(env, url, folder)


def _folder(env: Environment) -> str:
    folder = (env.text("CLOUDINARY_FOLDER") or "storyboards").strip("/")
    # What Cloudinary does not allow in a public id.
    if not re.fullmatch(r"[^\s?&#\\%<>+][^?&#\\%<>+\r\n]*", folder):
        raise SettingsError(
            f"CLOUDINARY_FOLDER={folder!r} cannot begin a public id: give a name like "
            "storyboards or team/storyboards, without ? & # \\ % < > +"
        )
    return folder


def _cloudinary_from_parts(env: Environment, folder: str) -> CloudinarySettings:
    parts: dict[str, str] = {}
    for part in ("cloud_name", "api_key", "api_secret"):
        name = f"CLOUDINARY_{part.upper()}"
        value = env.text(name)
        if value is None:
            raise SettingsError(
                f"{name} is not set: with CLOUDINARY_CLOUD_NAME set, key and secret are needed, "
                "too (or unset it and set CLOUDINARY_URL)"
            )
        parts[part] = value
    return CloudinarySettings(
        **parts, upload_prefix=_upload_prefix(env, DEFAULT_UPLOAD_PREFIX), folder=folder
    )


def _cloudinary_from_url(env: Environment, url: str, folder: str) -> CloudinarySettings:
    wrong = SettingsError(
        "CLOUDINARY_URL cannot be one: it has the form cloudinary://API_KEY:API_SECRET@CLOUD_NAME"
    )
    try:
        parsed = urlsplit(url)
    except ValueError as error:
        raise wrong from error
    if parsed.scheme != "cloudinary":
        raise wrong
    if not (parsed.username and parsed.password and parsed.hostname):
        raise wrong
    # Not parsed.hostname: it lowers the case, and a cloud name has one.
    cloud_name = parsed.netloc.rpartition("@")[2]
    prefix = parse_qs(parsed.query).get("upload_prefix", [DEFAULT_UPLOAD_PREFIX])[0]
    return CloudinarySettings(
        cloud_name=cloud_name,
        api_key=unquote(parsed.username),
        api_secret=unquote(parsed.password),
        upload_prefix=_upload_prefix(env, prefix),
        folder=folder,
    )


def _upload_prefix(env: Environment, default: str) -> str:
    prefix = env.text("CLOUDINARY_UPLOAD_PREFIX") or default
    if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", prefix):
        raise SettingsError(
            f"CLOUDINARY_UPLOAD_PREFIX={prefix!r} must be an http(s) address, "
            f"like {DEFAULT_UPLOAD_PREFIX}"
        )
    return prefix.rstrip("/")


def _source_hosts(env: Environment) -> tuple[str, ...]:
    raw = env.text("SOURCE_HOSTS") or ""
    hosts = tuple(host.strip().lower() for host in raw.split(",") if host.strip())
    for host in hosts:
        if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[?[0-9a-f:.]+\]?", host):
            raise SettingsError(
                f"SOURCE_HOSTS: {host!r} must be a host like images.example.com or "
                "*.bytepluses.com, without scheme, port or path"
            )
    return tuple(host.strip("[]") for host in hosts)


def _secrets(env: Environment, dsn: str, cloudinary: CloudinarySettings | None) -> tuple[str, ...]:
    found = [password_of(dsn), env.text("CRON_SECRET"), env.text("BOARD_TOKEN")]
    if cloudinary is not None:
        found += [cloudinary.api_secret, cloudinary.api_key]
    return tuple(secret for secret in found if secret)

"""Where failures are reported, read from the environment."""

import re
from dataclasses import dataclass

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.environment import Environment
from storyboard_worker.settings.placeholders import unfilled, within

# The key in Sentry's documentation.
EXAMPLE_KEY = "examplePublicKey"


@dataclass(frozen=True, slots=True)
class SentrySettings:
    """Without a ``dsn`` reporting is off.

    ``…_monitor`` are slugs, ``sweep_schedule`` is the five fields of a crontab in UTC. ``url`` is
    the page of the project's issues, to which links to events lead.
    """

    dsn: str | None = None
    environment: str | None = None
    release: str | None = None
    traces_sample_rate: float | None = None
    sweep_monitor: str = "storyboard-sweep"
    sweep_schedule: str = "*/5 * * * *"
    worker_monitor: str = "storyboard-worker"
    url: str | None = None


def read_sentry(env: Environment) -> SentrySettings:
    """The settings of Sentry. Raises :class:`SettingsError`."""
    dsn = env.text("SENTRY_DSN")
    if dsn is not None:
        _check_filled_in(dsn)
    # The SDK would refuse these later with a traceback: no key, a port that is not a number.
    form = r"https?://[^@:/\s]+(:[^@/\s]*)?@([^@:/\s]+|\[[0-9a-f:]+\])(:\d{1,5})?(/\S*)?/\d+"
    if dsn is not None and not re.fullmatch(form, dsn):
        raise SettingsError(
            "SENTRY_DSN is not valid: copy it from Sentry, Project settings, Client keys "
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
        url=_url(env),
    )


def _check_filled_in(dsn: str) -> None:
    placeholder = EXAMPLE_KEY if f"//{EXAMPLE_KEY}@" in dsn else within(dsn)
    if placeholder is not None:
        raise unfilled("SENTRY_DSN", placeholder, "Sentry, Project settings, Client keys")


def _monitor(env: Environment, name: str, default: str) -> str:
    slug = env.text(name) or default
    # https://docs.sentry.io/product/crons/getting-started/http/
    if not re.fullmatch(r"[a-z0-9_-]{1,50}", slug):
        raise SettingsError(
            f"{name} must be a monitor's slug: up to 50 of a-z, 0-9, _ and -, like {default}"
        )
    return slug


def _schedule(env: Environment) -> str:
    schedule = env.text("SENTRY_SWEEP_SCHEDULE") or "*/5 * * * *"
    if not re.fullmatch(r"[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}", schedule):
        raise SettingsError(
            "SENTRY_SWEEP_SCHEDULE must be the five fields of a crontab, in UTC, like */5 * * * *"
        )
    return schedule


def _url(env: Environment) -> str | None:
    url = env.text("SENTRY_URL")
    # A fragment would swallow the query that is added to it.
    form = r"https?://[^\s/?#@\"'<>\\]+([/?][^\s#\"'<>\\]*)?"
    if url is not None and not re.fullmatch(form, url):
        raise SettingsError(
            "SENTRY_URL must be the http(s) address of the project's issues in Sentry, like "
            "https://example.sentry.io/issues/?project=42"
        )
    return url

"""The environment: what is wrong, missing, doubtful, or left over from an older system."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.board_token import FIX, can_be_guessed
from storyboard_worker.settings.reading import Settings, read_settings

# Stands in for a wrong database address, so that further faults are found as well.
ANY_DATABASE = "embedded"
SHORTEST_SECRET_CHARACTERS = 16
SECRETS = ("CRON_SECRET", "BOARD_TOKEN")
CLOUDINARY_PARTS = ("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET")
# Variables of a job library on Redis, and of its dashboards.
OLD_SYSTEM = re.compile(
    r"(UPSTASH_)?REDIS(_\w+)?|REDIS(HOST|PORT|USER|PASSWORD|CLOUD_URL)|KV_(REST_API_)?(URL|TOKEN)|"
    r"BULL(MQ)?_\w+|(WORKER_)?QUEUE_\w+"
)
MISNAMED = (
    *("POSTGRES_URL", "POSTGRES_URL_NON_POOLING", "POSTGRES_PRISMA_URL"),
    *("SUPABASE_DB_URL", "SUPABASE_DATABASE_URL", "DATABASE_PRIVATE_URL", "DB_URL", "PG_URL"),
)
MOST_FAULTS = 40


def read_as_far_as_possible(
    variables: Mapping[str, str],
) -> tuple[Settings | None, list[SettingsError]]:
    """The settings without the wrong ones, and the error of each wrong one.

    Where :func:`names_database` says that the database's address is wrong, the settings hold
    another one in its place.
    """
    left = dict(variables)
    faults: list[SettingsError] = []
    while len(faults) < MOST_FAULTS:
        try:
            settings = read_settings(left)
        except SettingsError as error:
            faults.append(error)
            _set_aside(left, str(error))
        else:
            return settings, faults
    return None, faults


def names_database(faults: list[SettingsError]) -> bool:
    return any(_is_of_database(str(fault)) for fault in faults)


def _is_of_database(message: str) -> bool:
    """Of its address, or of one of libpq's own variables, which count beside it."""
    return message.startswith(("DATABASE_URL", "PG"))


def _name_any(faults: list[SettingsError], beginning: str) -> bool:
    return any(str(fault).startswith(beginning) for fault in faults)


def _set_aside(left: dict[str, str], message: str) -> None:
    name = re.match(r"[A-Z_]+", message)
    if name is None:
        return
    if _is_of_database(message):
        left["DATABASE_URL"] = ANY_DATABASE
    elif name[0] in CLOUDINARY_PARTS:
        # Without the name the URL is read, and the other two are not required.
        left.pop("CLOUDINARY_CLOUD_NAME", None)
    elif name[0] in left:
        del left[name[0]]
    else:
        # An upload prefix within the URL.
        left.pop("CLOUDINARY_URL", None)


def settings_checks(
    variables: Mapping[str, str], settings: Settings | None, faults: list[SettingsError]
) -> Iterator[Check]:
    for fault in faults:
        found, fix = _fault_and_fix(str(fault))
        yield failed("settings", found, fix)
    if not faults:
        yield passed("settings", "present and well formed")
    if settings is not None:
        # A wrong one has been reported already.
        if not _name_any(faults, "CLOUDINARY_"):
            yield from _upload_checks(settings)
        if not _name_any(faults, "SENTRY_DSN"):
            yield from _reporting_checks(settings)
    yield from _secret_checks(variables)
    yield from _doubtful(variables, settings)
    yield from _left_over(variables)


def _fault_and_fix(message: str) -> tuple[str, str]:
    """Messages of settings begin with the name and what is wrong; the fix follows."""
    name = re.split(r"\W", message, maxsplit=1)[0]
    for separator, beginning in ((" must be ", f"set {name} to "), (": ", f"set {name}: ")):
        found, there, fix = message.partition(separator)
        if there:
            return (f"{name} has a wrong value" if found == name else found), beginning + fix
    return message, f"set {name} as the README's table of settings says"


def _upload_checks(settings: Settings) -> Iterator[Check]:
    if settings.cloudinary is None:
        yield failed(
            "cloudinary settings",
            "none: nothing can be uploaded",
            "set CLOUDINARY_URL=cloudinary://API_KEY:API_SECRET@CLOUD_NAME, from the console",
        )


def _reporting_checks(settings: Settings) -> Iterator[Check]:
    if settings.sentry.dsn is None:
        yield warned(
            "sentry settings",
            "SENTRY_DSN is not set: failures are not reported",
            "set SENTRY_DSN, from Sentry, Project settings, Client keys",
        )


def _secret_checks(variables: Mapping[str, str]) -> Iterator[Check]:
    for name in SECRETS:
        secret = variables.get(name, "").strip()
        if secret and len(secret) < SHORTEST_SECRET_CHARACTERS:
            yield warned(
                "secrets",
                f"{name} has {len(secret)} characters: it can be guessed",
                f"set {name} to what `openssl rand -hex 32` prints",
            )
    board_token = variables.get("BOARD_TOKEN", "").strip()
    if len(board_token) >= SHORTEST_SECRET_CHARACTERS and can_be_guessed(board_token):
        yield warned(
            "secrets",
            "BOARD_TOKEN does not look drawn at random: wrong tokens of strangers can delay it",
            FIX,
        )
    if variables.get("BOARD_TOKEN", "").strip() and not variables.get("PORT", "").strip():
        yield warned(
            "secrets",
            "BOARD_TOKEN is set but PORT is not: the board is not served",
            "set PORT, like 8080",
        )
    if variables.get("PORT", "").strip() and not variables.get("CRON_SECRET", "").strip():
        yield warned(
            "secrets",
            "PORT is set but CRON_SECRET is not: the cron route answers 404",
            "set CRON_SECRET to what `openssl rand -hex 32` prints",
        )


def _doubtful(variables: Mapping[str, str], settings: Settings | None) -> Iterator[Check]:
    if settings is not None and settings.source_allow_private:
        yield warned(
            "source addresses",
            "SOURCE_ALLOW_PRIVATE=true: rows may point into the private network",
            "unset SOURCE_ALLOW_PRIVATE, which is for development",
        )
    if not variables.get("DATABASE_URL", "").strip():
        for name in MISNAMED:
            if variables.get(name, "").strip():
                fix = f"set DATABASE_URL to what {name} is"
                yield warned("settings", f"{name} is set, but not read", fix)
    cloud, url = variables.get("CLOUDINARY_CLOUD_NAME", ""), variables.get("CLOUDINARY_URL", "")
    if cloud.strip() and url.strip() and cloud.strip() != _cloud_of(url):
        yield warned(
            "cloudinary settings",
            "CLOUDINARY_URL names another cloud than CLOUDINARY_CLOUD_NAME, and is ignored",
            "unset one of both",
        )


def _cloud_of(url: str) -> str:
    try:
        return urlsplit(url.strip()).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _left_over(variables: Mapping[str, str]) -> Iterator[Check]:
    old = sorted(name for name in variables if OLD_SYSTEM.fullmatch(name))
    if old:
        yield warned(
            "old variables",
            f"{', '.join(old)}: of a queue outside the database, no longer needed",
            f"unset {' '.join(old)}",
        )

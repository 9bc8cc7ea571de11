"""The Cloudinary account, read from the environment as the official SDK reads it."""

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.environment import Environment
from storyboard_worker.settings.placeholders import unfilled, within

# Placeholders in the README, in errors of the worker and in Cloudinary's documentation.
EXAMPLES = frozenset(
    {
        *("API_KEY", "API_SECRET", "CLOUD_NAME", "KEY", "SECRET", "CLOUD"),
        *("my_key", "my_secret", "my_cloud_name"),
    }
)
# Parameters like w_100, fl_lossy and $name_1, joined by commas; components of them, joined by /.
_PARAMETER = r"(?:[a-z]{1,3}|\$[A-Za-z][A-Za-z0-9]*)_[A-Za-z0-9_.:;|!*%$()&@~=+-]+"
_COMPONENT = rf"{_PARAMETER}(?:,{_PARAMETER})*"
TRANSFORMATION = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
DEFAULT_UPLOAD_PREFIX = "https://api.cloudinary.com"


@dataclass(frozen=True, slots=True)
class CloudinarySettings:
    """The account that uploads, where, and under which folder.

    ``delivery``: the transformation of the pictures that the image route leads to, if any.
    """

    cloud_name: str
    api_key: str
    api_secret: str
    upload_prefix: str = DEFAULT_UPLOAD_PREFIX
    folder: str = "storyboards"
    delivery: str | None = None


def read_cloudinary(env: Environment) -> CloudinarySettings | None:
    """``None`` when no account is set. With a cloud name set the URL is ignored, as in the SDK.

    Raises :class:`SettingsError`.
    """
    folder, delivery = _folder(env), _delivery(env)
    if env.text("CLOUDINARY_CLOUD_NAME") is not None:
        return replace(_cloudinary_from_parts(env, folder), delivery=delivery)
    url = env.text("CLOUDINARY_URL")
    if url is None:
        return None
    return replace(_cloudinary_from_url(env, url, folder), delivery=delivery)


def _folder(env: Environment) -> str:
    folder = (env.text("CLOUDINARY_FOLDER") or "storyboards").strip("/")
    # Cloudinary does not allow these characters in a public id.
    if not re.fullmatch(r"[^\s?&#\\%<>+][^?&#\\%<>+\r\n]*", folder):
        raise SettingsError(
            "CLOUDINARY_FOLDER cannot begin a public id: give a name like "
            "storyboards or team/storyboards, without ? & # \\ % < > +"
        )
    return folder


def _delivery(env: Environment) -> str | None:
    raw = env.text("CLOUDINARY_DELIVERY")
    if raw is not None and not TRANSFORMATION.fullmatch(raw):
        raise SettingsError(
            "CLOUDINARY_DELIVERY must be a Cloudinary transformation, like f_auto,q_auto, with a / "
            "only between two of them"
        )
    return raw


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
        _check_filled_in(name, value)
        parts[part] = value
    return CloudinarySettings(
        **parts, upload_prefix=_upload_prefix(env, DEFAULT_UPLOAD_PREFIX), folder=folder
    )


def _cloudinary_from_url(env: Environment, url: str, folder: str) -> CloudinarySettings:
    wrong = SettingsError(
        "CLOUDINARY_URL is not valid: it has the form cloudinary://API_KEY:API_SECRET@CLOUD_NAME"
    )
    _check_url_filled_in(url)
    try:
        parsed = urlsplit(url)
    except ValueError as error:
        raise wrong from error
    if parsed.scheme != "cloudinary":
        raise wrong
    if not (parsed.username and parsed.password and parsed.hostname):
        raise wrong
    # The end of a secret with @ and /. Its middle would be used, and shown, as the cloud name.
    if "@" in url.partition("://")[2].removeprefix(parsed.netloc):
        raise wrong
    # Not parsed.hostname, which is in lower case. In a cloud name the case matters.
    cloud_name = parsed.netloc.rpartition("@")[2]
    prefix = parse_qs(parsed.query).get("upload_prefix", [DEFAULT_UPLOAD_PREFIX])[0]
    return CloudinarySettings(
        cloud_name=cloud_name,
        api_key=unquote(parsed.username),
        api_secret=unquote(parsed.password),
        upload_prefix=_upload_prefix(env, prefix),
        folder=folder,
    )


def _check_url_filled_in(url: str) -> None:
    parts = re.fullmatch(r"cloudinary://([^:@/]*):([^@/]*)@([^@/?#]*).*", url, re.DOTALL)
    for value in (url, *(parts.groups() if parts else ())):
        _check_filled_in("CLOUDINARY_URL", unquote(value))


def _check_filled_in(name: str, value: str) -> None:
    if value in EXAMPLES or within(value) == value:
        raise unfilled(name, value, "the Cloudinary console")


def _upload_prefix(env: Environment, default: str) -> str:
    prefix = env.text("CLOUDINARY_UPLOAD_PREFIX") or default
    if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", prefix):
        raise SettingsError(
            f"CLOUDINARY_UPLOAD_PREFIX must be an http(s) address, like {DEFAULT_UPLOAD_PREFIX}"
        )
    return prefix.rstrip("/")

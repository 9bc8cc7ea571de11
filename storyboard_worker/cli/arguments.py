"""Types of arguments that several commands take; each says what is wrong with a bad value."""

import math
import re
import unicodedata
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import click

from storyboard_worker.errors import ErrorCode
from storyboard_worker.lengths import (
    MAX_HOST_CHARACTERS,
    MAX_PROJECT_BYTES,
    MAX_URL_BYTES,
    has_overlong_host,
    size_bytes,
)

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3650)
ERROR_CODES = click.Choice([str(code) for code in ErrorCode])
# More rows than this are better handled in SQL.
ROWS = click.IntRange(min=1, max=1_000_000)
DAY_SECONDS = 86_400
# Control characters, and lone surrogates, which stand for bytes that are not text.
UNWANTED = frozenset({"Cc", "Cs"})


class TimeSpan(click.ParamType[timedelta]):
    """``30m``, ``2h``, ``1d``; ``0`` needs no unit."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if str(value) == "0":
            return timedelta()
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is not a time span like 30m, 2h or 1d", param, ctx)
        return min(timedelta(**{UNITS[match[2]]: int(match[1])}), LONGEST)


class Seconds(click.ParamType[float]):
    """A number of seconds, from one second to one day."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 1 <= seconds <= DAY_SECONDS:
            self.fail(f"{value!r} is not a number of seconds from 1 to {DAY_SECONDS}", param, ctx)
        return seconds


class ProjectId(click.ParamType[str]):
    """Text of limited length. A shell may pass bytes that are not text; they are refused."""

    name = "project"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if (length := size_bytes(text)) > MAX_PROJECT_BYTES:
            self.fail(f"it has {length:,} bytes; the limit is {MAX_PROJECT_BYTES:,}", param, ctx)
        if any(unicodedata.category(character) in UNWANTED for character in text):
            self.fail(f"{text!r} holds control characters, or bytes that are not text", param, ctx)
        return text


def check_url(url: str, place: str) -> None:
    """Raises a usage error for a URL that the table or the worker would refuse.

    ``place`` names it in the message.
    """
    if (length := size_bytes(url)) > MAX_URL_BYTES:
        raise click.UsageError(f"{place} has {length:,} bytes; the limit is {MAX_URL_BYTES:,}")
    if has_overlong_host(url):
        raise click.UsageError(
            f"the host of {place} has more than {MAX_HOST_CHARACTERS} characters, the limit"
        )
    if (fault := _fault_in(url)) is not None:
        # The text is not repeated: even a malformed URL may hold a secret.
        raise click.UsageError(f"{place} is not an http(s) URL: {fault}")


def _fault_in(url: str) -> str | None:
    """Why it cannot be a URL; ``None`` if it can be one."""
    if re.match("https?://", url, re.IGNORECASE) is None:
        return "it must begin with http:// or https://"
    if not all(map(_may_stand_in_url, url)):
        return "it holds blanks, control characters, or bytes that are not text"
    try:
        parsed = urlsplit(url)
        _ = parsed.port  # a wrong port is detected when it is read
    except ValueError:
        return "its host or its port is malformed"
    return None if parsed.hostname else "it has no host"


def _may_stand_in_url(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in UNWANTED

"""Answers: JSON that nobody keeps."""

import math
from collections.abc import Mapping
from datetime import datetime

from werkzeug.wrappers import Response

from storyboard_worker.redaction.foreign_text import json_text

STOPPING_SECONDS = 30


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(
        json_text(body, default=_plain) + "\n",
        status,
        {**(headers or {}), "Cache-Control": "no-store"},
        content_type="application/json",
    )
    # Without a character set, as JSON has none to choose (RFC 8259).
    response.headers["Content-Type"] = "application/json"
    return response


def problem(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """``error``: one sentence for whoever called, without anything that only we may know."""
    return answer({"error": error}, status, headers)


def come_again(status: int, error: str, *, after_seconds: float) -> Response:
    return problem(status, error, {"Retry-After": str(max(1, math.ceil(after_seconds)))})


def stopping() -> Response:
    """The process ends: another one, if there is one, takes the call."""
    return come_again(503, "this worker is stopping", after_seconds=STOPPING_SECONDS)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)

"""Answers in JSON, which must not be cached."""

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
    # JSON has no parameter for a character set (RFC 8259).
    response.headers["Content-Type"] = "application/json"
    return response


def problem(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """``error``: one sentence for the caller, without anything internal."""
    return answer({"error": error}, status, headers)


def retry_later(status: int, error: str, *, after_seconds: float) -> Response:
    return problem(status, error, {"Retry-After": str(max(1, math.ceil(after_seconds)))})


def stopping() -> Response:
    """For a call that comes while the process ends; another process may take it."""
    return retry_later(503, "this worker is stopping", after_seconds=STOPPING_SECONDS)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)

"""Answers of the API: JSON, errors in Cloudinary's form, and the content of ``usage``."""

import json
import time
from collections.abc import Mapping
from urllib.parse import quote

from storyboard_worker.demo.cloudinary_checks import Refused
from storyboard_worker.demo.exchange import Exchange


def answer_json(
    exchange: Exchange,
    content: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> None:
    exchange.answer(
        status,
        json.dumps(content).encode(),
        {"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )


def answer_error(exchange: Exchange, refusal: Refused) -> None:
    answer_json(
        exchange,
        {"error": {"message": refusal.message}},
        status=refusal.status,
        # A header is Latin-1 and one line, whatever stood in the request.
        headers={"X-Cld-Error": quote(refusal.message, safe=" !#$%&'()*+,-./:;<=>?@[]^_`{|}~")},
    )


def usage(max_file_bytes: int) -> dict[str, object]:
    """https://cloudinary.com/documentation/admin_api#usage, as far as limits go."""
    return {
        "plan": "Free",
        "last_updated": time.strftime("%Y-%m-%d", time.gmtime()),
        "media_limits": {
            "image_max_size_bytes": max_file_bytes,
            "image_max_px": 25_000_000,
            "asset_max_total_px": 50_000_000,
        },
    }

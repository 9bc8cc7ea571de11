"""Style, script and icon: files of this package, under addresses that change with them."""

import hashlib
from functools import cache
from pathlib import Path

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.answers import problem
from storyboard_worker.web.application import route

FOLDER = Path(__file__).parent / "static"
KINDS = {
    "board.css": "text/css; charset=utf-8",
    "board.js": "text/javascript; charset=utf-8",
    "loading_again.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
A_YEAR = "public, max-age=31536000, immutable"


@cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@cache
def address_of(name: str) -> str:
    """Where the asset ``name`` is served; another content has another address."""
    return f"/assets/{hashlib.sha256(_content(name)).hexdigest()[:12]}/{name}"


def routes() -> list[Rule]:
    return [route("/assets/<digest>/<name>", serve, "GET")]


def serve(_request: Request, digest: str, name: str) -> Response:
    if name not in KINDS or address_of(name) != f"/assets/{digest}/{name}":
        return problem(404, "not found")
    headers = {"Cache-Control": A_YEAR, "X-Content-Type-Options": "nosniff"}
    return Response(_content(name), headers=headers, content_type=KINDS[name])

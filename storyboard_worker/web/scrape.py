"""The route that Prometheus reads."""

from collections.abc import Callable

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.application import route


def scrape_routes(text: Callable[[], bytes], content_type: str) -> list[Rule]:
    """``text`` is what is served, as ``content_type``."""

    def scrape(_request: Request) -> Response:
        response = Response(text())
        response.headers["Content-Type"] = content_type
        return response

    return [route("/metrics", scrape, "GET")]

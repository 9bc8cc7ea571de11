"""The operations page's table of routes against what is served."""

import re

import pytest

from tests.integration.web.served import SECRET, Serve
from tests.support.http_client import call
from tests.support.pages import page

UNKNOWN_ID = "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a"


def routes_told() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| (`(?:GET|POST).*?) \|", page("OPERATIONS"), re.MULTILINE)
    return [
        (method, row.rpartition(" ")[2].strip("`"))
        for row in rows
        for method in re.findall(r"GET|POST", row)
    ]


def test_the_table_was_found() -> None:
    assert len(routes_told()) == 11


@pytest.mark.parametrize(("method", "path"), routes_told())
def test_a_route_of_the_table_is_served(serve: Serve, method: str, path: str) -> None:
    served = serve(board_token=SECRET)
    reply = call(served.port, path.replace("{id}", UNKNOWN_ID), method, token=SECRET)
    answered = {"/healthz": 200, "/metrics": 200, "/": 401, "/login": 415}.get(path)
    assert reply.status == answered or reply.status in {200, 404, 503}
    if path.endswith("/image"):
        assert reply.headers["content-type"].startswith("image/svg+xml")
    elif reply.status == 404:
        assert reply.json == {"error": "there is no such storyboard"}

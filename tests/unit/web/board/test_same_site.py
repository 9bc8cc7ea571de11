"""Which page a request comes from, and whether it may act."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from storyboard_worker.web.board.forms import HEADER, may_act
from storyboard_worker.web.board.same_site import Sender, sender_of
from storyboard_worker.web.board.sessions import Session

OURS, OTHER, UNKNOWN = Sender.OURS, Sender.OTHER, Sender.UNKNOWN
SESSION = Session("nonce", 0, "token-of-form")


def request(headers: dict[str, str]) -> Request:
    given = {"Host": "board.example:8080", **headers}
    builder = EnvironBuilder(headers=list(given.items()))
    return Request(builder.get_environ())


TABLE: list[tuple[dict[str, str], Sender, bool]] = [
    ({}, UNKNOWN, True),
    ({"Sec-Fetch-Site": "same-origin"}, OURS, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, OURS, True),
    ({"Sec-Fetch-Site": "same-site"}, OTHER, False),
    ({"Sec-Fetch-Site": "cross-site"}, OTHER, False),
    ({"Sec-Fetch-Site": "none"}, OTHER, False),
    ({"Sec-Fetch-Site": ""}, OTHER, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://board.example:8080"}, OTHER, False),
    ({"Origin": "http://board.example:8080"}, OURS, True),
    ({"Origin": "https://board.example:8080"}, OURS, True),
    ({"Origin": "https://public.example", "X-Forwarded-Host": "public.example"}, OURS, True),
    ({"Origin": "http://board.example"}, OTHER, False),
    ({"Origin": "https://evil.example"}, OTHER, False),
    ({"Origin": "https://board.example:8080.evil.example"}, OTHER, False),
    ({"Origin": "https://[broken"}, OTHER, False),
    ({"Origin": ""}, OTHER, False),
    ({"Origin": "null"}, UNKNOWN, False),
    ({"Origin": "null", HEADER: "forged"}, UNKNOWN, False),
    ({"Origin": "null", HEADER: SESSION.form_token}, UNKNOWN, True),
]


@pytest.mark.parametrize(("headers", "sender", "acts"), TABLE)
def test_sender(headers: dict[str, str], sender: Sender, acts: bool) -> None:  # noqa: FBT001  a column of the table
    assert sender_of(request(headers)) is sender
    assert may_act(request(headers), SESSION) is acts

"""Signing in and out, and what strangers get."""

import re
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest

from storyboard_worker.web.board.access import COOKIE
from storyboard_worker.web.board.assets import KINDS
from storyboard_worker.web.board.sessions import LASTS_SECONDS
from tests.integration.web.served import Serve, Served
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.http_client import call

UNKNOWN = UUID("5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a")
RETRY = f"/api/storyboards/{UNKNOWN}/retry"
ROUTES = [
    ("/", "GET"),
    ("/login", "GET"),
    ("/login", "POST"),
    ("/logout", "POST"),
    ("/retry", "GET"),
    ("/retry", "POST"),
    ("/live", "POST"),
    (f"/panels/{UNKNOWN}", "GET"),
    (f"/panels/{UNKNOWN}/live", "POST"),
    (f"/panels/{UNKNOWN}/retry", "POST"),
    (f"/panels/{UNKNOWN}/process", "POST"),
    (RETRY, "POST"),
]


def test_without_a_token_there_is_no_board(served: Served) -> None:
    for path, method in ROUTES:
        reply = call(served.port, path, method, token=TOKEN)
        assert (reply.status, reply.json) == (404, {"error": "not found"}), path


@pytest.fixture
def stranger(board: Served) -> Browser:
    return Browser(board.port)


def test_strangers_see_nothing(stranger: Browser) -> None:
    for path, method in ROUTES:
        if path == "/login":
            continue
        for cookie in ("", "x", f"9999999999.nonce.{'0' * 64}", TOKEN):
            stranger.cookies = {COOKIE: cookie} if cookie else {}
            reply = stranger.get(path) if method == "GET" else stranger.post(path, {})
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer"), path
            assert "set-cookie" not in reply.headers


def test_signing_in_leads_to_the_page_that_was_asked_for(stranger: Browser) -> None:
    path = f"/?project={quote('a b&c')}&lang=en"
    form = Document(stranger.get(path).text).form("/login")
    reply = stranger.post(form.action, {**form.fields, "token": TOKEN})
    assert (reply.status, reply.headers["location"]) == (303, path)
    assert stranger.get("/").status == 200


def test_signing_in_leads_nowhere_else(stranger: Browser) -> None:
    for to in (
        *("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"),
        *("/logout", "/panels/../login", "/?x=\r\nSet-Cookie: a=b", "/panels/x", "", "evil"),
    ):
        reply = stranger.post("/login", {"token": TOKEN, "to": to})
        assert (reply.status, reply.headers["location"]) == (303, "/"), to


@pytest.mark.parametrize(
    ("headers", "is_secure"),
    [({}, False), ({"X-Forwarded-Proto": "https"}, True), ({"X-Forwarded-Proto": "http"}, False)],
)
def test_the_cookie(stranger: Browser, headers: dict[str, str], is_secure: bool) -> None:  # noqa: FBT001  a column of the table
    cookie = stranger.post("/login", {"token": TOKEN}, headers).headers["set-cookie"]
    assert TOKEN not in cookie
    value, *attributes = cookie.split("; ")
    assert len(value) > 60
    wanted = {"HttpOnly", "Path=/", "SameSite=Lax", f"Max-Age={LASTS_SECONDS}"}
    assert wanted <= set(attributes)
    assert ("Secure" in attributes) is is_secure
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_a_token_with_spaces_around_it_is_taken(stranger: Browser) -> None:
    assert stranger.post("/login", {"token": f" {TOKEN}\n"}).status == 303


def test_signing_out(browser: Browser, board: Served) -> None:
    kept = dict(browser.cookies)
    form = browser.see("/").form("/logout")
    assert browser.submit(form).status == 200
    assert browser.cookies == {}
    assert browser.get("/").status == 401
    copy = Browser(board.port)
    copy.cookies = kept
    assert copy.get("/").status == 401, "the cookie is of no use any more"


def test_another_worker_with_the_token_knows_the_session(serve: Serve, browser: Browser) -> None:
    other = Browser(serve(board_token=TOKEN).port)
    other.cookies = dict(browser.cookies)
    assert other.get("/").status == 200
    changed = Browser(serve(board_token="another token").port)
    changed.cookies = dict(browser.cookies)
    assert changed.get("/").status == 401


POSTS = ["/logout", "/retry", f"/panels/{UNKNOWN}/retry", f"/panels/{UNKNOWN}/process"]


def test_a_form_of_another_site_is_refused(browser: Browser) -> None:
    token = browser.see("/").form("/logout").fields["form_token"]
    fields = {"form_token": token, "token": TOKEN}
    others = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site")]
    for path in ("/login", *POSTS):
        for name, value in (*others, ("Origin", "http://other.example")):
            reply = browser.post(path, fields, {name: value})
            assert reply.status == 403, (path, value)
    assert browser.get("/").status == 200, "still signed in"


def test_a_form_without_its_token_is_refused(browser: Browser, board: Served) -> None:
    other = Browser(board.port).sign_in().see("/").form("/logout").fields["form_token"]
    for path in POSTS:
        for fields in ({}, {"form_token": ""}, {"form_token": "é"}, {"form_token": other}):
            assert browser.post(path, fields).status == 403, (path, fields)
    assert browser.get("/").status == 200, "still signed in"


def test_another_kind_of_body_is_refused(browser: Browser) -> None:
    for path in ("/login", *POSTS):
        for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
            reply = browser.post(path, {"token": TOKEN}, {"Content-Type": kind})
            assert reply.status == 415, (path, kind)


def test_the_form_holds_whatever_address_was_asked_for(stranger: Browser) -> None:
    path = "/?" + urlencode({"project": "图" * 341, "text": "镜" * 500})
    form = Document(stranger.get(path).text).form("/login")
    reply = stranger.post(form.action, {**form.fields, "token": TOKEN})
    assert (reply.status, reply.headers["location"]) == (303, path)


def test_an_oversized_form_is_refused(stranger: Browser) -> None:
    assert stranger.post("/login", {"token": "x" * 40_000}).status == 413
    many = {f"field{number}": "" for number in range(300)}
    assert stranger.post("/login", {**many, "token": TOKEN}).status == 303


PATHS = [
    *("/./", "/../", "/panels", "/panels/", "/panels/x", "/login/", "/assets/", "/.env", "/;/"),
    *(f"/panels/{UNKNOWN}/", f"/panels/{UNKNOWN}%2flife", f"/panels/{{{UNKNOWN}}}", "/%00"),
    *("/assets/x/board.css", "/assets/x/../board.css", "/assets/x/..%2f..%2fpages.py"),
    *("/templates/layout.html", "/static/board.css", "//evil.example/", "/%2e%2e/%2e%2e/passwd"),
]


def test_no_other_path_leads_anywhere(browser: Browser) -> None:
    for path in PATHS:
        reply = browser.get(path)
        assert reply.status == 404, path
        assert "location" not in reply.headers


def test_assets_are_kept_for_long_under_their_hash(board: Served) -> None:
    page = Document(call(board.port, "/login").text)
    addresses = [one["href"] for one in page.all("link")] + [
        one["src"] for one in page.all("script")
    ]
    assert len(addresses) == len(KINDS)
    for path in addresses:
        reply = call(board.port, path)
        assert reply.status == 200
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        other = re.sub(r"/[0-9a-f]{12}/", "/0123456789ab/", path)
        assert call(board.port, other).status == 404


def test_a_page_that_changes_something_is_no_link(browser: Browser) -> None:
    for path in ("/logout", f"/panels/{UNKNOWN}/retry", f"/panels/{UNKNOWN}/process", RETRY):
        assert browser.get(path).status == 405

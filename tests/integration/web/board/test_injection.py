"""Whatever a row carries is text on every page, and every page has a strict policy."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.web.board.pages import HEADERS
from tests.integration.web.served import Serve
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.producing import FAILED, PROCESSING, READY, WAITING, enqueue, moment

MARK = "zq7"
ATTACKS = [
    f"<script>{MARK}</script>",
    f'"><img src=x onerror={MARK}()>',
    f"'><svg/onload={MARK}()>",
    f"</textarea></title><style>{MARK}</style>",
    f"javascript:{MARK}()",
    f"{{{{ {MARK} }}}} {{% raw %}} {{0}} %s",
    f"`<b>{MARK}</b>`",
    f"\u202e{MARK}\u2028&lt;b&gt;",
]
SECRET = "X-Tos-Signature=5e7c0b5d"
EVIL = "https://evil.example"
KINDS = [FAILED, WAITING, PROCESSING, READY]


def rows_with(producer: psycopg.Connection, attack: str) -> list[UUID]:
    """A row of each kind whose every text attacks."""
    path = "".join(character for character in attack if character.isprintable()).replace(" ", "")
    url = f"https://images.example/{path}?X-Tos-Date=20250910T015921Z&{SECRET}"
    texts: dict[str, Any] = {"project_id": attack, "source_url": url}
    error = {"error_message": attack, "error_code": attack[:60], "sentry_event_id": attack[:60]}
    claim = {"claimed_by": attack, "lease_expires_at": moment(producer, 60)}
    outcome = {"cdn_url": f"javascript:{MARK}('{attack}')", "format": attack[:20]}
    carried: list[dict[str, Any]] = [error, error, claim, outcome]
    return [
        enqueue(producer, **{**texts, **kind, **more})
        for kind, more in zip(KINDS, carried, strict=True)
    ]


@pytest.fixture
def browser(serve: Serve) -> Browser:
    sentry = "https://sentry.example/issues/?project=1"
    served = serve(board_token=TOKEN, sentry=SentrySettings(url=sentry))
    return Browser(served.port).sign_in()


def pages_of(browser: Browser, ids: list[UUID]) -> dict[str, str]:
    """Every page's HTML, with the parts of live answers among them."""
    first = browser.get("/").text
    found = {"/": first, "/live": parts_of(browser, "/live", ids, newest="")}
    narrowed, retry = Document(first).hrefs("/?project=")[0], Document(first).hrefs("/retry")[0]
    for path in ("/?lang=zh", narrowed, retry, f"/?text={MARK}"):
        found[path] = browser.get(path).text
    # Each text in one of the states, and each state with some of the texts.
    for number, id_ in enumerate(ids):
        if number % len(KINDS) == (number // len(KINDS)) % len(KINDS):
            found[f"/panels/{id_}"] = browser.get(f"/panels/{id_}").text
            path = f"/panels/{id_}/live"
            found[path] = parts_of(browser, path, [id_])
    return found


def parts_of(browser: Browser, path: str, ids: list[UUID], **fields: str) -> str:
    shown = ",".join(f"{id_}~0" for id_ in ids)
    return "".join(browser.post(path, {"shown": shown, **fields}).json["parts"].values())


def test_what_a_row_carries_is_text(
    browser: Browser, producer: psycopg.Connection, alive: Callable[..., None]
) -> None:
    ids = [id_ for attack in ATTACKS for id_ in rows_with(producer, attack)]
    alive(timedelta(0))
    worker = "UPDATE storyboard_workers SET worker_id = %s, hostname = %s, version = %s"
    producer.execute(worker, [ATTACKS[0], ATTACKS[1], ATTACKS[2][:20]])
    alarm = "INSERT INTO storyboard_alarms (name, raised_at) VALUES (%s, now())"
    producer.execute(alarm, [ATTACKS[0]])
    pages = pages_of(browser, ids)
    assert len(pages) == 6 + 2 * len(ATTACKS)
    for path, html in pages.items():
        assert MARK in html, path
        assert SECRET not in html, path
        for tag, attributes in Document(html).tags:
            check(tag, attributes, path)


def check(tag: str, attributes: dict[str, str], path: str) -> None:
    assert tag not in {"style", "iframe", "object", "b", "textarea", "base"}, path
    assert not any(name.startswith("on") for name in attributes), path
    assert MARK not in "".join(attributes), path
    assert tag != "script" or attributes["src"].startswith("/assets/"), path
    assert tag != "meta" or "http-equiv" not in attributes, path
    for name in {"href", "src", "action", "data-live"} & attributes.keys():
        address = attributes[name]
        assert address.startswith(("/", "#", "https://sentry.example/")), (path, address)
        assert not address.startswith("//"), (path, address)


def test_every_page_has_a_strict_policy(browser: Browser, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, **FAILED)
    enqueue(producer, **{**READY, "cdn_url": f"{EVIL};script-src *"})
    paths = ["/", "/?lang=zh", "/retry", f"/panels/{id_}", "/panels/" + "0" * 8 + str(id_)[8:]]
    replies = {path: browser.get(path) for path in paths}
    replies["/login"] = Browser(browser.port).get("/")
    replies["wrong"] = Browser(browser.port).post("/login", {"token": "wrong"})
    replies["other site"] = browser.post("/login", {}, {"Sec-Fetch-Site": "cross-site"})
    replies["forged"] = browser.post("/retry", {})
    replies["moved"] = browser.post("/login", {"token": TOKEN})
    for name, reply in replies.items():
        rules = dict(
            rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; ")
        )
        nothing = {rules[name] for name in ("default-src", "frame-ancestors", "base-uri")}
        own = {rules[name] for name in ("script-src", "style-src", "form-action", "connect-src")}
        assert (nothing, own) == ({"'none'"}, {"'self'"}), name
        assert "*" not in rules["img-src"], name
        assert "evil" not in rules["img-src"], name
        for header, value in HEADERS.items():
            assert reply.headers[header.lower()] == value, name


def test_every_gallery_may_load_pictures_from_where_the_newest_lie(
    browser: Browser, producer: psycopg.Connection
) -> None:
    """A panel of a page may become ready after the page was loaded."""
    enqueue(producer, **{**READY, "cdn_url": "https://own.example/image/upload/v1/a.jpg"})
    reply = browser.get("/?project=without+pictures")
    assert "https://own.example" in reply.headers["content-security-policy"]
    [body] = Document(reply.text).all("body")
    assert "https://own.example" in body["data-pictures"].split()
    stranger = Browser(browser.port).get("/")
    assert "own.example" not in stranger.headers["content-security-policy"] + stranger.text

"""What holds for every page: its language, its form, and a database that does not answer."""

from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from storyboard_worker.web.texts.catalogue import Language, texts_in
from tests.integration.web.served import AWAY, Serve
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.http_client import Reply


@pytest.mark.parametrize(
    ("query", "headers", "tag"),
    [
        ("", {}, "en"),
        ("", {"Accept-Language": "zh-CN,zh;q=0.9"}, "zh-Hans"),
        ("?lang=zh", {"Accept-Language": "en"}, "zh-Hans"),
        ("?lang=en", {"Accept-Language": "zh"}, "en"),
    ],
)
def test_languages(
    browser: Browser, mixed: dict[str, UUID], query: str, headers: dict[str, str], tag: str
) -> None:
    for path in ("/", f"/panels/{mixed['tale']}", "/retry"):
        reply = browser.get(path + query, headers)
        page = Document(reply.text)
        assert page.all("html")[0]["lang"] == tag
        assert reply.headers["content-language"] == tag
        own = [href for href in page.hrefs("/") if not href.startswith("/assets")]
        # A language that an address chose stays chosen; the one link that leads to the other does.
        kept = [href for href in own if "lang=" in urlsplit(href).query]
        assert len(kept) == (len(own) if query else 1)


def test_the_chinese_page_is_chinese(browser: Browser, mixed: dict[str, UUID]) -> None:
    chinese = texts_in(Language.CHINESE)
    page = browser.see("/?lang=zh")
    for key in ("gallery.panels", "state.failed", "cause_name.source_timeout", "action.retry"):
        assert chinese(key) in page.text
    assert "下载失败，点击重试" in browser.see(f"/panels/{mixed['tale']}?lang=zh").text


def test_a_database_that_is_away(serve: Serve) -> None:
    browser = Browser(serve(board_token=TOKEN, database_dsn=AWAY).port).sign_in()
    for path in ("/", f"/panels/{uuid4()}", "/retry"):
        reply: Reply = browser.get(path)
        assert reply.status == 503
        assert reply.headers["retry-after"]
        assert "The database does not answer." in Document(reply.text).text
    live = browser.post("/live", {})
    assert (live.status, live.json) == (503, {"error": "the database does not answer"})


@pytest.mark.database("unmigrated")
def test_a_database_that_is_not_migrated(browser: Browser) -> None:
    reply = browser.get("/")
    assert reply.status == 503
    assert "storyboard-worker migrate" in Document(reply.text).text


def test_each_page_can_be_read_without_seeing_it(browser: Browser, mixed: dict[str, UUID]) -> None:
    """Landmarks, one first heading, a way past the menu, and a label for each field."""
    for path in ("/", f"/panels/{mixed['tale']}", "/retry?state=failed"):
        page = browser.see(path)
        for landmark in ("header", "nav", "main", "h1"):
            assert page.all(landmark), (path, landmark)
        assert len(page.all("h1")) == 1
        assert page.all("a")[0] == {"class": "skip", "href": "#main"}
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), path
        labelled = {label["for"] for label in page.all("label")}
        for tag in ("input", "select"):
            for field in page.all(tag):
                assert field.get("type") == "hidden" or field["id"] in labelled, field
        for _, attributes in page.tags:
            named = attributes.get("aria-labelledby") or attributes.get("aria-describedby") or ""
            assert set(named.split()) <= set(ids), (path, attributes)

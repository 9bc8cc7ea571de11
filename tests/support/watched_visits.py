"""Visits of a browser to the board, each watched for complaints and for requests elsewhere."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
)

from tests.support.board_browser import TOKEN

PATIENCE_MS = 20_000
# Chromium writes it to the console when a page comes with a status like 401 or 404. The page itself
# tells more, and a test looks at that.
WITH_STATUS = "Failed to load resource: the server responded with a status of"
NOT_LOADED = "Failed to load resource:"


class Watch:
    """What the pages of ``context`` ask for, and what the browser's console says of them.

    Breaches of a content security policy are errors in the console. With ``loads_may_fail`` what
    cannot be loaded is no complaint.
    """

    def __init__(self, context: BrowserContext, *, loads_may_fail: bool) -> None:
        self._loads_may_fail = loads_may_fail
        self.asked: list[str] = []
        self.complaints: list[str] = []
        context.on("request", self._take_request)
        context.on("console", self._take_message)
        context.on("weberror", self._take_error)

    def assert_quiet(self, origins: Collection[str | None]) -> None:
        """No complaint, and no request to another origin than these."""
        assert not self.complaints, self.complaints
        elsewhere = [url for url in self.asked if _origin(url) not in origins]
        assert not elsewhere, elsewhere

    def _take_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _take_message(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not self._is_no_complaint(message):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def _is_no_complaint(self, message: ConsoleMessage) -> bool:
        if self._loads_may_fail and message.text.startswith(NOT_LOADED):
            return True
        is_page_itself = message.page is not None and message.location["url"] == message.page.url
        return is_page_itself and message.text.startswith(WITH_STATUS)

    def _take_error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))


class Visit(Protocol):
    """Opens a page of the board with cookies of its own, signed in unless told otherwise.

    ``loads_may_fail``: the test provokes that something cannot be loaded. ``elsewhere`` is another
    origin that the page may ask. ``options`` are those of Playwright's ``new_context``.
    """

    def __call__(
        self,
        path: str = "/",
        *,
        signed_in: bool = True,
        loads_may_fail: bool = False,
        elsewhere: str | None = None,
        **options: Any,
    ) -> Page: ...


@contextmanager
def watched_visits(browser: Browser, url: str, origins: Collection[str]) -> Iterator[Visit]:
    """Visits to the board at ``url``.

    At the end each is checked: no complaint, and no request to an origin but these.
    """
    opened: list[tuple[BrowserContext, Watch, str | None]] = []

    def visit(
        path: str = "/",
        *,
        signed_in: bool = True,
        loads_may_fail: bool = False,
        elsewhere: str | None = None,
        **options: Any,
    ) -> Page:
        context = browser.new_context(base_url=url, **options)
        context.set_default_timeout(PATIENCE_MS)
        opened.append((context, Watch(context, loads_may_fail=loads_may_fail), elsewhere))
        if signed_in:
            context.request.post("/login", form={"token": TOKEN})
        page = context.new_page()
        page.goto(path)
        return page

    try:
        yield visit
    finally:
        for context, *_ in opened:
            context.close()
    for _, watch, elsewhere in opened:
        watch.assert_quiet({*origins, elsewhere})


def come_back_to(page: Page) -> None:
    """Do what a browser does when a person comes back to the page: it asks for news at once."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

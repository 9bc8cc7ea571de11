"""An open page of the board, as far as its questions to the server go."""

from typing import Any
from urllib.parse import parse_qsl

from tests.support.board_browser import Browser, Document


def fields_of(body: dict[str, str]) -> dict[str, str]:
    """The fields that the page sends with each question."""
    return dict(parse_qsl(body.get("data-asks", ""), keep_blank_values=True))


class OpenPage:
    """A page with its script, which asks what has changed."""

    def __init__(self, browser: Browser, path: str) -> None:
        self._browser = browser
        page = browser.see(path)
        body = page.all("body")[0]
        self.live, self.asks = body["data-live"], fields_of(body)
        self.shown = self._versions(page)

    def ask(self) -> dict[str, Any]:
        fields = {**self.asks, "shown": ",".join(self.shown.values())}
        reply = self._browser.post(self.live, fields)
        assert reply.status == 200
        found: dict[str, Any] = reply.json
        for part in found["parts"].values():
            self.shown |= self._versions(Document(part))
        for gone in found["gone"]:
            self.shown.pop(gone.removeprefix("panel-"), None)
        return found

    def _versions(self, page: Document) -> dict[str, str]:
        shown = [given["data-shown"] for _, given in page.tags if "data-shown" in given]
        return {one.partition("~")[0]: one for one in shown}

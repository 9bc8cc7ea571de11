"""The language of a page, and links that keep it."""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request

from storyboard_worker.web.board.wanted import address
from storyboard_worker.web.texts.catalogue import Texts
from storyboard_worker.web.texts.choice import PARAMETER, texts_for


@dataclass(frozen=True, slots=True)
class Wording:
    """``text`` in the language of a page. ``is_chosen``: the page's address names the language."""

    text: Texts
    is_chosen: bool

    @property
    def pairs(self) -> dict[str, str]:
        """What a link says of the language."""
        return {PARAMETER: str(self.text.language)} if self.is_chosen else {}

    def link(self, path: str, pairs: Mapping[str, str] | None = None, **more: str) -> str:
        return address(path, {**(pairs or {}), **more, **self.pairs})


def wording_for(request: Request) -> Wording:
    return Wording(texts_for(request), PARAMETER in request.args)

"""Parts of pages that are filled once for all pages that show the same.

A busy worker has one interpreter for its work and for open pages, which ask for the same parts
every few seconds.
"""

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any

from storyboard_worker.web.board.rendering import render
from storyboard_worker.web.board.wording import Wording

MOST_KEPT = 2000


class Fragments:
    """Filled templates. ``shared`` are the values that all of them may use; ``now`` is asked for
    each, so that what has just changed does not lie ahead.

    What depends on a session must not stand in them: another session would see it. So the buttons
    of cards send the page's form «act», which holds the session's token.
    """

    def __init__(self, shared: Mapping[str, Any], now: Callable[[], datetime]) -> None:
        self._shared = shared
        self._now = now
        self._filled: dict[Hashable, str] = {}

    def fill(self, name: str, wording: Wording, **values: Hashable) -> str:
        """The template ``name`` with ``values``. Equal values lead to the same text."""
        key = (name, wording.text.language, wording.is_chosen, *values.items())
        html = self._filled.get(key)
        if html is None:
            shared = {**self._shared, "link": wording.link, "now": self._now()}
            html = render(name, wording.text, **shared, **values)
            if len(self._filled) >= MOST_KEPT:
                self._filled.clear()
            self._filled[key] = html
        return html

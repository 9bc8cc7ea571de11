"""Which panels an address asks for, and the addresses that ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.places import Place
from storyboard_worker.storyboard import Status

# A longer part of a text would be found nowhere.
MOST_CHARACTERS = 500

Pairs = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The panels of a page: those that fit ``which``, ``older`` or ``newer`` than a place."""

    which: PanelFilter
    older: Place | None = None
    newer: Place | None = None

    @property
    def is_first(self) -> bool:
        return self.older is None and self.newer is None

    @property
    def is_narrowed(self) -> bool:
        return self.which != PanelFilter()

    @property
    def shows_causes(self) -> bool:
        """Whether the list of causes stands on this page: on the first one of all panels alone."""
        return self.is_first and not self.is_narrowed

    @property
    def pairs(self) -> dict[str, str]:
        """The filter as the fields of a form."""
        which = self.which
        found = {
            "state": which.state,
            "code": which.error_code,
            "host": which.host,
            "project": which.project,
            "text": which.text,
        }
        return {name: str(value) for name, value in found.items() if value is not None}

    @property
    def page_pairs(self) -> dict[str, str]:
        """The filter and the place."""
        places = {"older": self.older, "newer": self.newer}
        return self.pairs | {name: str(place) for name, place in places.items() if place}

    def at(self, *, older: Place | None = None, newer: Place | None = None) -> "Wanted":
        return replace(self, older=older, newer=newer)


def wanted_by(pairs: Pairs) -> Wanted:
    """Reads a filter. What cannot be read counts as not given, so an old link leads somewhere.

    An empty part is a field that was not filled in. The others are taken as they are, since a
    project may begin with a space. Only ``text``, which people type, is trimmed and cut.
    """
    text = pairs.get("text", "").strip()
    which = PanelFilter(
        state=_state(pairs.get("state", "")),
        error_code=pairs.get("code") or None,
        host=_host(pairs.get("host", "")),
        project=pairs.get("project") or None,
        text=text[:MOST_CHARACTERS] or None,
    )
    older, newer = _place(pairs, "older"), _place(pairs, "newer")
    return Wanted(which, older=older, newer=None if older else newer)


def address(path: str, pairs: Pairs) -> str:
    """``path`` with these fields as its query, for a link."""
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _host(raw: str) -> str | None:
    # The database may leave other letters than those of ASCII as they are.
    return (raw.lower() if raw.isascii() else raw) or None


def _state(raw: str) -> Status | None:
    return Status(raw) if raw in set(Status) else None


def _place(pairs: Pairs, name: str) -> Place | None:
    raw = pairs.get(name)
    return None if raw is None else Place.read(raw)

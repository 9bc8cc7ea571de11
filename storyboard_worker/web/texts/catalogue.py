"""All texts of one language, by their keys."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

VIEW = "view."


class Language(StrEnum):
    """A language as ``?lang=`` names it, which is also the name of its folder."""

    ENGLISH = "en"
    CHINESE = "zh"

    @property
    def tag(self) -> str:
        """For ``Content-Language`` and the attribute ``lang`` (BCP 47)."""
        return "zh-Hans" if self is Language.CHINESE else "en"


@dataclass(frozen=True, slots=True)
class Texts:
    """Call it with a key: ``text("view.ready")``.

    ``{name}`` in a text is replaced by the value given under that name. A text that depends on a
    number has two forms in English, ``{ one = "{count} panel", other = "{count} panels" }``, and
    takes ``count``. A language without plurals gives one text in their place.
    """

    language: Language
    entries: Mapping[str, str | Mapping[str, str]]
    view_keys: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """Raises :class:`KeyError` for an unknown key and for a value that is missing."""
        entry = self.entries[key]
        if not isinstance(entry, str):
            entry = entry["one" if values["count"] == 1 else "other"]
        return entry.format_map(values)

    def of_view(self, message: str) -> str:
        """The ``message`` of a row of ``storyboard_progress`` in this language.

        A message that the catalogue does not know, as from a newer schema, stays as it is.
        """
        key = self.view_keys.get(message)
        return message if key is None else self(key)


@cache
def texts_in(language: Language) -> Texts:
    english = _read(Language.ENGLISH)
    view_keys = {str(text): key for key, text in english.items() if key.startswith(VIEW)}
    return Texts(language, _read(language), view_keys)


def _read(language: Language) -> dict[str, Any]:
    folder = Path(__file__).parent / language
    return {
        f"{page.stem}.{name}": entry
        for page in sorted(folder.glob("*.toml"))
        for name, entry in tomllib.loads(page.read_text("utf-8")).items()
    }

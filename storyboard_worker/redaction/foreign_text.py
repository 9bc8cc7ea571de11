"""Text of others on its way out: to a terminal, or into JSON.

Hosts, project ids, worker ids and errors hold what others wrote. Written to a terminal as it is, a
control character moves the cursor or changes the colours, a bidirectional mark turns the line
around, and U+2028 begins a new one; log collectors break at that, too. So whatever cannot be
printed leaves as an escape that is seen. Characters of every script stay as they are.
"""

import json
import unicodedata
from collections.abc import Callable

# An escape has up to ten characters. What a screen takes is more than any message of ours, and
# enough for the longest URL.
MOST_SHOWN_CHARACTERS = 32 * 1024
CUT = "… (cut)"

Default = Callable[[object], object]


def for_terminal(text: str) -> str:
    """``text`` in one line, with escapes like ``\\x1b`` and ``\\u202e``; the beginning of a very
    long one."""
    if text.isprintable() and len(text) <= MOST_SHOWN_CHARACTERS:
        return text
    shown = _escaped(text[: MOST_SHOWN_CHARACTERS + 1], _as_python)
    return shown if len(shown) <= MOST_SHOWN_CHARACTERS else shown[:MOST_SHOWN_CHARACTERS] + CUT


def json_text(value: object, *, default: Default | None = None, ascii_only: bool = False) -> str:
    """``value`` as JSON in one line, which means the same to every parser.

    Escapes what cannot be printed, or with ``ascii_only`` all that is not ASCII.
    """
    text = json.dumps(value, default=default, ensure_ascii=ascii_only)
    # Outside of its strings JSON holds nothing that cannot be printed.
    return text if text.isprintable() else _escaped(text, _as_json)


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    return "".join(
        character if _is_harmless(character) else escape(character) for character in text
    )


def _is_harmless(character: str) -> bool:
    # Blanks of other widths are not printable to Python, and common in Japanese.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _as_python(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _as_json(character: str) -> str:
    return json.dumps(character)[1:-1]

"""Makes foreign text safe for a terminal and for JSON.

Hosts, project ids, worker ids and errors hold text from outside. On a terminal a control character
moves the cursor or changes the colours, a bidirectional mark reverses the line, and U+2028 begins
a new one. Log collectors also break lines at U+2028. So characters that cannot be printed become
visible escapes. Characters of every script stay as they are.
"""

import json
import unicodedata
from collections.abc import Callable
from json.encoder import encode_basestring

# An escape has up to ten characters. The limit is above every message of the worker and above the
# longest URL.
MOST_SHOWN_CHARACTERS = 32 * 1024
CUT = "… (cut)"

Default = Callable[[object], object]


def for_terminal(text: str) -> str:
    """``text`` in one line, with escapes like ``\\x1b`` and ``\\u202e``. A very long one is cut."""
    if text.isprintable() and len(text) <= MOST_SHOWN_CHARACTERS:
        return text
    shown = _escaped(text[: MOST_SHOWN_CHARACTERS + 1], _as_python)
    return shown if len(shown) <= MOST_SHOWN_CHARACTERS else shown[:MOST_SHOWN_CHARACTERS] + CUT


def json_text(value: object, *, default: Default | None = None, ascii_only: bool = False) -> str:
    """``value`` as JSON in one line, with the same meaning for every parser.

    Escapes characters that cannot be printed; with ``ascii_only`` all that are not ASCII.
    """
    text = json.dumps(value, default=default, ensure_ascii=ascii_only)
    # Outside of its strings JSON holds only printable characters.
    return text if text.isprintable() else _escaped(text, _as_json)


def json_string(text: str) -> str:
    """The same for a text, in an eighth of the time."""
    quoted = encode_basestring(text)
    return quoted if quoted.isprintable() else _escaped(quoted, _as_json)


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    # A text may be long, and has few different characters.
    escapes = {
        ord(character): escape(character) for character in set(text) if not _is_harmless(character)
    }
    return text.translate(escapes) if escapes else text


def _is_harmless(character: str) -> bool:
    # Spaces of other widths are common in Japanese, but not printable to Python.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _as_python(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _as_json(character: str) -> str:
    return json.dumps(character)[1:-1]

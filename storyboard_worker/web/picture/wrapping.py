"""Breaks a text into lines that fit a width, without a font to measure with.

Widths are in em, the height of a font, and estimated a little above those of common system fonts.
Chinese may break at any character, but a line never begins with a closing mark.
"""

import re
import unicodedata

WIDE = 1.0
CAPITAL, NARROW, USUAL = 0.72, 0.34, 0.58
LARGE_LETTERS = frozenset("mwMW@%")
NARROW_LETTERS = frozenset("iljtf.,:;'!|()[] ")
CLOSING = "，。、；：！？）》」』”’…"

# A wide character with the closing marks behind it, or a word with the space before it.
UNIT = re.compile(rf"\s*(?:[^\x00-\u2e7f][{CLOSING}]*|[\x00-\u2e7f]+?(?=\s|[^\x00-\u2e7f]|$))")


def width_of(text: str) -> float:
    return sum(map(_width, text))


def wrapped(text: str, width: float) -> list[str]:
    """The lines of ``text``, about equally long, and as few as fit.

    A word that is wider than ``width`` is broken.
    """
    units = [piece for unit in UNIT.findall(text) for piece in _broken(unit, width)]
    lines = _filled(units, width)
    narrower = width
    while len(lines) > 1 and narrower > width / 2:
        narrower *= 0.95
        fewer = _filled(units, narrower)
        if len(fewer) > len(lines) or max(map(width_of, fewer)) > width:
            break
        lines = fewer
    return lines


def _filled(units: list[str], width: float) -> list[str]:
    lines = [""]
    for unit in units:
        if lines[-1] and width_of(lines[-1] + unit) > width:
            lines.append("")
        lines[-1] += unit if lines[-1] else unit.lstrip()
    return [line for line in lines if line]


def _broken(unit: str, width: float) -> list[str]:
    pieces = [""]
    for character in unit:
        if pieces[-1].strip() and width_of((pieces[-1] + character).lstrip()) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF" or character in LARGE_LETTERS:
        return WIDE
    if character in NARROW_LETTERS:
        return NARROW
    # Other scripts and symbols are too many to know.
    return CAPITAL if character.isupper() else USUAL if character.isascii() else WIDE

"""The size that a request asks for, in pixels."""

import re
from collections.abc import Mapping
from typing import NamedTuple

SMALLEST, LARGEST = 16, 4096
USUAL_WIDTH, USUAL_HEIGHT = 640, 360


class Size(NamedTuple):
    width: int
    height: int


def pixels(raw: str | None) -> int | None:
    """A number within the bounds; one outside of them becomes the nearest within.

    ``None`` for what is no number: a wrong size must not cost a page its picture.
    """
    if raw is None or not re.fullmatch(r"[0-9]{1,9}", raw):
        return None
    return _bounded(int(raw))


def size_of(query: Mapping[str, str]) -> Size:
    """The size of ``?w=`` and ``?h=``. Where one is missing, the sides are as 16 to 9."""
    width, height = pixels(query.get("w")), pixels(query.get("h"))
    if width is None:
        width = USUAL_WIDTH if height is None else _bounded(round(height * 16 / 9))
    return Size(width, _bounded(round(width * 9 / 16)) if height is None else height)


def _bounded(number: int) -> int:
    return max(SMALLEST, min(number, LARGEST))

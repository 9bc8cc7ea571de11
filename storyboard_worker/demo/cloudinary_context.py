"""The parameter ``context``, read independently of Cloudinary's SDK.

Pairs ``key=value`` joined by ``|``. A backslash before ``|`` or ``=`` makes it part of the value.
https://cloudinary.com/documentation/contextual_metadata says «up to 255 characters».
"""

import re

MAX_CHARACTERS = 255
PAIR_END = re.compile(r"(?<!\\)\|")
KEY_END = re.compile(r"(?<!\\)=")
ESCAPED = re.compile(r"\\([|=])")


def read_context(text: str) -> dict[str, str]:
    """The pairs; none for an empty text. Raises :class:`ValueError` for another form."""
    if not text:
        return {}
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text)} characters. Maximum is {MAX_CHARACTERS}")
    return dict(_pair(part) for part in PAIR_END.split(text))


def _pair(part: str) -> tuple[str, str]:
    match KEY_END.split(part):
        case [key, value] if key and value:
            return key, ESCAPED.sub(r"\1", value)
        case _:
            raise ValueError(f"no pair of key and value: {part}")

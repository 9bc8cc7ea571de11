"""The body of a form with a file (RFC 7578), read without copying the file."""

import re
from dataclasses import dataclass, field

BOUNDARY = re.compile(r'multipart/form-data\s*;.*\bboundary="?([^";]+)"?', re.IGNORECASE)
NAME = re.compile(rb'[;\s]name="([^"]*)"')
FILENAME = re.compile(rb'[;\s]filename="([^"]*)"')
HEAD_END = b"\r\n\r\n"


@dataclass
class Form:
    """``fields`` in the order they came; a name that came twice holds both values."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    file: bytes | None = None
    filename: str = ""


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that the header names, or ``None`` if it is no such form."""
    found = BOUNDARY.match(content_type)
    return found.group(1).encode("latin-1") if found else None


def parse(body: bytearray, boundary: bytes) -> Form:
    """Raises :class:`ValueError` when the body is not such a form, complete to its end."""
    form = Form()
    delimiter = b"\r\n--" + boundary
    # The first delimiter may lack its line break: the body begins with it.
    end = body.find(delimiter[2:])
    position = end + len(delimiter) - 2
    while end >= 0 and body[position : position + 2] != b"--":
        head_end = body.find(HEAD_END, position)
        end = body.find(delimiter, max(head_end, position))
        if head_end < 0 or end < 0:
            break
        _add_part(form, bytes(body[position:head_end]), memoryview(body)[head_end + 4 : end])
        position = end + len(delimiter)
    if end < 0:
        raise ValueError("the form breaks off")
    return form


def _add_part(form: Form, head: bytes, content: memoryview) -> None:
    name = NAME.search(head)
    if name is None:
        raise ValueError("a part has no name")
    filename = FILENAME.search(head)
    if name.group(1) == b"file":
        form.file = bytes(content)
        form.filename = filename.group(1).decode(errors="replace") if filename else ""
    else:
        values = form.fields.setdefault(name.group(1).decode(), [])
        values.append(bytes(content).decode())

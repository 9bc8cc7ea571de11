"""The heads of answers: status line and header fields (RFC 9112, sections 4 and 5).

http.client's parser goes through the email package, which costs four times as much as this.
"""

import re
from dataclasses import dataclass

import httpx

from storyboard_worker.wire.reader import Reader

# As http.client has it.
MAX_FIELDS = 100
# A peer may announce itself several times before it answers, but not for ever.
MAX_INTERIM_ANSWERS = 20

STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: (.*))?", re.DOTALL)
SWITCHING_PROTOCOLS = 101
FIRST_FINAL_STATUS = 200

Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """Status line and header fields of a final answer."""

    minor_version: int
    status: int
    reason: bytes
    fields: list[Field]

    def values(self, name: bytes) -> list[bytes]:
        """The comma-separated members of every field ``name`` (in lower case)."""
        return [
            member.strip(b" \t").lower()
            for found, value in self.fields
            if found.lower() == name
            for member in value.split(b",")
        ]

    @property
    def permits_another_request(self) -> bool:
        """Whether the peer keeps the connection open (RFC 9112, section 9.3)."""
        options = self.values(b"connection")
        if b"close" in options:
            return False
        return self.minor_version >= 1 or b"keep-alive" in options


def read_answer_head(reader: Reader) -> AnswerHead:
    """The head of the final answer; interim ones (RFC 9110, section 15.2) are passed over."""
    for _ in range(MAX_INTERIM_ANSWERS):
        head = _read_head(reader)
        if head.status >= FIRST_FINAL_STATUS:
            return head
        if head.status == SWITCHING_PROTOCOLS:
            raise httpx.RemoteProtocolError("the peer switches to a protocol nobody asked for")
    raise httpx.RemoteProtocolError(f"more than {MAX_INTERIM_ANSWERS} interim answers")


def _read_head(reader: Reader) -> AnswerHead:
    match = STATUS_LINE.fullmatch(reader.line())
    if match is None:
        raise httpx.RemoteProtocolError("the answer does not begin as HTTP/1.1 does")
    minor_version, status, reason = match.groups(b"")
    return AnswerHead(int(minor_version), int(status), reason.strip(), read_fields(reader))


def read_fields(reader: Reader) -> list[Field]:
    """Header or trailer fields up to the empty line that ends them."""
    fields: list[Field] = []
    for _ in range(MAX_FIELDS + 1):
        line = reader.line()
        if not line:
            return fields
        if line[:1] in {b" ", b"\t"} and fields:
            # A folded line (RFC 9112, section 5.2).
            name, value = fields.pop()
            fields.append((name, value + b" " + line.strip(b" \t")))
        else:
            fields.append(_field(line))
    raise httpx.RemoteProtocolError(f"more than {MAX_FIELDS} header lines")


def _field(line: bytes) -> Field:
    name, colon, value = line.partition(b":")
    if not colon or not name or name != name.strip():
        raise httpx.RemoteProtocolError("a header line is not «name: value»")
    return name, value.strip(b" \t")

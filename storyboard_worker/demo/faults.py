"""The catalogue of faults; import them from here.

Faults are immutable values: ``origin.put("a.jpg", image, faults=[Answer(503), Truncate(10)])``,
``cloudinary.misbehave(Answer(429, headers={"Retry-After": "2"}), times=3)``.

- For both: :class:`Answer`, :class:`CloseBeforeAnswer`, :class:`Hang`.
- For the source: the others of type :class:`SourceFault`.
- For the storage: the others of type :class:`StorageFault`.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.fault_kinds import (
    Answer,
    CloseBeforeAnswer,
    Hang,
    SourceFault,
    StorageFault,
    StoredObject,
)

__all__ = [
    "AlterAnswer",
    "Answer",
    "AnswerEarly",
    "Chunked",
    "CloseBeforeAnswer",
    "CutFile",
    "Drip",
    "Encoded",
    "Hang",
    "LoseAnswer",
    "NoLength",
    "ResetInBody",
    "ServeBytes",
    "SourceFault",
    "StorageFault",
    "StoreInstead",
    "StoredObject",
    "Truncate",
    "WrongLength",
]


@dataclass(frozen=True)
class Truncate(SourceFault):
    """Declare the whole length, send less, and close."""

    at_bytes: int

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        found.serve_head(exchange)
        exchange.send(found.body[: self.at_bytes])
        exchange.close()


@dataclass(frozen=True)
class ResetInBody(SourceFault):
    """Like :class:`Truncate`, but with a TCP reset."""

    at_bytes: int

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        found.serve_head(exchange)
        exchange.send(found.body[: self.at_bytes])
        exchange.reset()


@dataclass(frozen=True)
class CutFile(SourceFault):
    """Serve a file that is itself cut short, with its honest length."""

    at_bytes: int

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        StoredObject(found.body[: self.at_bytes], found.content_type).serve(exchange)


@dataclass(frozen=True)
class Drip(SourceFault):
    """Send the body in small pieces, with a pause after each."""

    bytes_per_chunk: int
    seconds: float

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        found.serve_head(exchange)
        for start in range(0, len(found.body), self.bytes_per_chunk):
            exchange.send(found.body[start : start + self.bytes_per_chunk])
            exchange.pause(self.seconds)


@dataclass(frozen=True)
class Chunked(SourceFault):
    """Chunked transfer, no length; with ``breaks_off_at_bytes`` it closes before the end."""

    breaks_off_at_bytes: int | None = None
    chunk_bytes: int = 65_536

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        headers = {"Content-Type": found.content_type, "Transfer-Encoding": "chunked"}
        exchange.send(exchange.head(200, headers))
        body = found.body[: self.breaks_off_at_bytes]
        for start in range(0, len(body), self.chunk_bytes):
            chunk = body[start : start + self.chunk_bytes]
            exchange.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if self.breaks_off_at_bytes is None:
            exchange.send(b"0\r\n\r\n")
        else:
            exchange.close()


@dataclass(frozen=True)
class NoLength(SourceFault):
    """No length at all: the body ends where the connection does."""

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        exchange.close()
        exchange.send(exchange.head(200, {"Content-Type": found.content_type}) + found.body)


@dataclass(frozen=True)
class WrongLength(SourceFault):
    """Declare another length than the body has; send all of it and close."""

    declared: int

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        exchange.close()
        headers = {**found.headers(), "Content-Length": str(self.declared)}
        exchange.send(exchange.head(200, headers) + found.body)


@dataclass(frozen=True)
class Encoded(SourceFault):
    """A compressed body, whether it was asked for or not."""

    encoding: Literal["gzip"] = "gzip"

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        headers = {"Content-Type": found.content_type, "Content-Encoding": self.encoding}
        exchange.answer(200, gzip.compress(found.body, compresslevel=1), headers)


@dataclass(frozen=True)
class ServeBytes(SourceFault):
    """Something else in the object's place, with status 200: an HTML page, say."""

    body: bytes
    content_type: str = "image/jpeg"

    def serve(self, exchange: Exchange, found: StoredObject) -> None:  # noqa: ARG002  the family's signature
        StoredObject(self.body, self.content_type).serve(exchange)


@dataclass(frozen=True)
class AnswerEarly(StorageFault):
    """Answer before the body is read, and close.

    A polite server goes on taking the body, so that the client comes to read the answer; with
    ``abruptly`` the client may see a broken connection instead.
    """

    status: int
    body: bytes | str | Mapping[str, object] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    abruptly: bool = False

    def before_body(self, exchange: Exchange) -> None:
        Answer(self.status, self.body, self.headers).send(exchange)
        exchange.close(lingers=not self.abruptly)


@dataclass(frozen=True)
class LoseAnswer(StorageFault):
    """Store the image, then close without an answer."""

    def before_answer(self, exchange: Exchange) -> None:
        exchange.close()


@dataclass(frozen=True)
class StoreInstead(StorageFault):
    """Store another image than was sent; the answer tells its size and hash."""

    body: bytes

    def change_bytes(self, sent: bytes) -> bytes:  # noqa: ARG002  the family's signature
        return self.body


@dataclass(frozen=True)
class AlterAnswer(StorageFault):
    """Store the image well, but answer 200 with fields missing or changed."""

    without: tuple[str, ...] = ()
    changed: Mapping[str, object] = field(default_factory=dict)

    def change_answer(self, answer: dict[str, object]) -> dict[str, object]:
        kept = {name: value for name, value in answer.items() if name not in self.without}
        return {**kept, **self.changed}

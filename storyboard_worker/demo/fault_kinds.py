"""What a fault is, how faults wait their turn, and those that both stand-ins have.

:mod:`~storyboard_worker.demo.faults` is the whole catalogue.
"""

import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from storyboard_worker.demo.exchange import Exchange

Fault = TypeVar("Fault")


@dataclass(frozen=True)
class StoredObject:
    """What a source serves when nothing goes wrong."""

    body: bytes
    content_type: str
    more_headers: Mapping[str, str] = field(default_factory=dict)

    def serve(self, exchange: Exchange) -> None:
        exchange.answer(200, self.body, self.headers())

    def serve_head(self, exchange: Exchange) -> None:
        """Status and headers alone, with the length of the whole body."""
        exchange.send(exchange.head(200, self.headers()))

    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            **self.more_headers,
        }


@dataclass(frozen=True)
class SourceFault(ABC):
    """What the source does instead of serving the object well.

    With ``always`` it does so for every request from then on, not for one.
    """

    always: bool = field(default=False, kw_only=True)

    @abstractmethod
    def serve(self, exchange: Exchange, found: StoredObject) -> None: ...


class StorageFault:
    """What the storage does at each step of an upload.

    A step that ends the exchange (answers it, closes it) ends the upload.
    """

    def before_body(self, exchange: Exchange) -> None:
        """The head of the request is there, its body unread."""

    def before_storing(self, exchange: Exchange) -> None:
        """The whole body is there; key, signature and image are not checked yet."""

    def change_bytes(self, sent: bytes) -> bytes:
        """What to store for what was sent."""
        return sent

    def before_answer(self, exchange: Exchange) -> None:
        """The image is stored."""

    def change_answer(self, answer: dict[str, object]) -> dict[str, object]:
        return answer


class FaultQueue(Generic[Fault]):
    """Each request takes one fault. ``None`` times means until :meth:`clear`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Fault, int | None]] = deque()

    def add(self, fault: Fault, times: int | None) -> None:
        with self._lock:
            self._waiting.append((fault, times))

    def take(self) -> Fault | None:
        with self._lock:
            if not self._waiting:
                return None
            fault, times = self._waiting[0]
            if times is not None:
                self._waiting.popleft()
                if times > 1:
                    self._waiting.appendleft((fault, times - 1))
            return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()


@dataclass(frozen=True)
class Answer(SourceFault, StorageFault):
    """Any status, with a body: a mapping goes out as JSON, text as HTML, bytes as they are.

    The storage reads the whole upload first, and stores nothing.
    """

    status: int
    body: bytes | str | Mapping[str, object] = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def serve(self, exchange: Exchange, found: StoredObject) -> None:  # noqa: ARG002  the family's signature
        self.send(exchange)

    def before_storing(self, exchange: Exchange) -> None:
        self.send(exchange)

    def send(self, exchange: Exchange) -> None:
        match self.body:
            case bytes():
                exchange.answer(self.status, self.body, self.headers)
            case str():
                headers = {"Content-Type": "text/html; charset=utf-8", **self.headers}
                exchange.answer(self.status, self.body.encode(), headers)
            case _:
                headers = {"Content-Type": "application/json; charset=utf-8", **self.headers}
                exchange.answer(self.status, json.dumps(self.body).encode(), headers)


@dataclass(frozen=True)
class Hang(SourceFault, StorageFault):
    """Do nothing until the event is set, then go on as if nothing had been.

    ``in_body``: the source has sent half of the body; the storage has read nothing of it.
    ``after_storing`` is for the storage alone.
    """

    until: threading.Event
    where: Literal["before_headers", "in_body", "after_storing"] = "before_headers"

    def serve(self, exchange: Exchange, found: StoredObject) -> None:
        if self.where != "in_body":
            exchange.wait(self.until)
            found.serve(exchange)
            return
        found.serve_head(exchange)
        half = len(found.body) // 2
        exchange.send(found.body[:half])
        exchange.wait(self.until)
        exchange.send(found.body[half:])

    def before_body(self, exchange: Exchange) -> None:
        if self.where == "in_body":
            exchange.wait(self.until)

    def before_storing(self, exchange: Exchange) -> None:
        if self.where == "before_headers":
            exchange.wait(self.until)

    def before_answer(self, exchange: Exchange) -> None:
        if self.where == "after_storing":
            exchange.wait(self.until)


@dataclass(frozen=True)
class CloseBeforeAnswer(SourceFault, StorageFault):
    """Close the connection without a word; the storage reads the upload, and stores nothing."""

    def serve(self, exchange: Exchange, found: StoredObject) -> None:  # noqa: ARG002  the family's signature
        exchange.close()

    def before_storing(self, exchange: Exchange) -> None:
        exchange.close()

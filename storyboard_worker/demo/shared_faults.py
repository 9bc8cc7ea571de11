"""How both stand-ins can misbehave."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.fault_kinds import SourceFault, StorageFault, StoredObject


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

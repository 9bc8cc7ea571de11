"""What a fault is: one thing to do instead of serving or storing an image well."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from storyboard_worker.demo.exchange import Exchange


@dataclass(frozen=True)
class StoredObject:
    """What a source serves when nothing goes wrong."""

    body: bytes
    content_type: str

    def serve(self, exchange: Exchange) -> None:
        exchange.answer(200, self.body, {"Content-Type": self.content_type})

    def serve_head(self, exchange: Exchange) -> None:
        """Status and headers alone, with the length of the whole body."""
        exchange.send(exchange.head(200, self.headers()))

    def headers(self) -> dict[str, str]:
        return {"Content-Type": self.content_type, "Content-Length": str(len(self.body))}


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

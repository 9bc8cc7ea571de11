"""How the storage alone misbehaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.fault_kinds import StorageFault
from storyboard_worker.demo.shared_faults import Answer


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

"""What comes back for a request: the head of its answer, and the body as it is read."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from storyboard_worker.wire.answer import AnswerHead


class AnswerBody:
    """The body of an answer as it arrives.

    It calls ``on_whole`` once after the last byte, or ``on_break_off`` once if reading fails
    or stops before that.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        *,
        empty: bool,
        on_whole: Callable[[], None],
        on_break_off: Callable[[], None],
    ) -> None:
        self._chunks = chunks
        self._on_whole = on_whole
        self._on_break_off = on_break_off
        self._ended = False
        if empty:
            # An empty body ends without being read.
            self._end(on_whole)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
            self._end(self._on_whole)
        finally:
            self._end(self._on_break_off)

    def close(self) -> None:
        """Stop reading. An answer that is not read to its end costs its connection."""
        self._end(self._on_break_off)

    def _end(self, call: Callable[[], None]) -> None:
        if not self._ended:
            self._ended = True
            call()


class Reply(NamedTuple):
    """Close ``body``, however far it was read."""

    head: AnswerHead
    body: AnswerBody

    @property
    def status(self) -> int:
        return self.head.status

    def text(self, name: bytes) -> str:
        """The header field ``name``, given in lower case; empty if there is none."""
        return self.head.text(name)

"""Replies of peers that were never asked."""

from collections.abc import Iterable, Mapping

from storyboard_worker.wire.answer import AnswerHead
from storyboard_worker.wire.reply import AnswerBody, Reply


def head(fields: Mapping[str, str | bytes], status: int = 200) -> AnswerHead:
    """An answer's head with these fields; names in lower case."""
    raw = [
        (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in fields.items()
    ]
    return AnswerHead("1.1", status, b"", raw, keeps_alive=True)


def reply(of_head: AnswerHead, chunks: Iterable[bytes] = ()) -> Reply:
    """A reply with that head and a body in these chunks."""

    def release() -> None:
        """There is no connection."""

    body = AnswerBody(iter(chunks), empty=False, on_whole=release, on_break_off=release)
    return Reply(of_head, body)

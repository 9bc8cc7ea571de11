"""One request and its answer on one connection."""

import ssl
from collections.abc import Callable
from functools import partial

import httpx

from storyboard_worker.wire.answer import (
    BODILESS_STATUSES,
    Answer,
    AnswerHead,
    Delimiter,
    body_length,
)
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.outgoing import request_pieces
from storyboard_worker.wire.reply import AnswerBody, Reply
from storyboard_worker.wire.request import Request
from storyboard_worker.wire.sockets import WireSocket


class Connection:
    """Carries one exchange at a time over its own socket.

    ``verified_at``: when the certificate of its peer was checked, maybe for an earlier connection
    whose TLS session it goes on with.
    """

    def __init__(self, sock: WireSocket, verified_at: float = 0.0) -> None:
        self._sock = sock
        self.verified_at = verified_at
        self._answer = Answer(sock.receive)
        self._begun: Request | None = None

    @property
    def answer_began(self) -> bool:
        """Whether any byte of the last request's answer has arrived."""
        return self._answer.began

    @property
    def tls_session(self) -> ssl.SSLSession | None:
        """``None`` without TLS, and with TLS 1.3 before the peer has answered."""
        return self._sock.tls_session

    @property
    def is_quiet(self) -> bool:
        """False if the peer has closed the idle connection, or has sent something unasked."""
        return self._sock.is_quiet()

    def begins(self, request: Request, deadline: Deadline) -> bool:
        """Send ``request``, which has no body, without waiting; :meth:`exchange` goes on with it.

        If it cannot be sent at once, the connection is closed.
        """
        self._begun = request
        self._sock.use(deadline)
        self._answer = Answer(self._sock.receive)
        if not self._sock.sends_at_once(request.head):
            self.close()
            return False
        return True

    def exchange(
        self, request: Request, deadline: Deadline, keep: Callable[["Connection"], None]
    ) -> Reply:
        """Send ``request`` and read the head of the answer; iterating the answer reads its body.

        ``keep`` is called with the connection as soon as it is free for another request. After
        any other end, such as an exception from the request's body, the connection is closed.
        """
        has_arrived = False
        try:
            break_off = self._started(request, deadline)
            head = self._answer_head(break_off)
            length = body_length(request.method, head)
            has_arrived = True
        finally:
            if not has_arrived:
                self.close()
        # A peer that did not read the whole request would take its rest for the next request.
        reusable = break_off is None and _may_be_reused(request, head, length)
        body = AnswerBody(
            self._answer.body(length),
            empty=length == 0,
            on_whole=partial(self._release, keep) if reusable else self.close,
            on_break_off=self.close,
        )
        return Reply(head, body)

    def _started(self, request: Request, deadline: Deadline) -> httpx.WriteError | None:
        if self._begun is request:
            self._begun = None
            return None
        self._sock.use(deadline)
        self._answer = Answer(self._sock.receive)
        return self._send(request)

    def _send(self, request: Request) -> httpx.WriteError | None:
        """The error if the peer stopped reading. It may have answered before that."""
        for piece in request_pieces(request):
            # Only this call is guarded: the peer is not to blame for what the body raises.
            try:
                self._sock.send_all(piece)
            except httpx.WriteError as error:
                return error
        return None

    def _answer_head(self, break_off: httpx.WriteError | None) -> AnswerHead:
        try:
            return self._answer.read_head()
        except httpx.TransportError:
            if break_off is not None:
                raise break_off from break_off.__cause__
            raise

    def _release(self, keep: Callable[["Connection"], None]) -> None:
        if self._answer.more_came:
            # The peer sent more than the answer, so its connection cannot be trusted.
            self.close()
        else:
            self._sock.rest()
            keep(self)

    def close(self) -> None:
        self._sock.close()


def _may_be_reused(request: Request, head: AnswerHead, length: int | Delimiter) -> bool:
    return (
        head.keeps_alive
        and length is not Delimiter.CLOSE
        # If such a peer sends a body all the same, it would look like the next answer.
        and head.status not in BODILESS_STATUSES
        and request.method != "HEAD"
        and not request.closes
    )

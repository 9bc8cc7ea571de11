"""A connection that waitress does not know yet: what needs no waiting is answered here.

Such an answer costs no object of waitress. The server's thread stands in line for the interpreter
once a turn for it, and not for each call on its socket.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from storyboard_worker.logs import log
from storyboard_worker.web.shared_reads import Soon
from storyboard_worker.web.socket_calls import Receiver, close, send

# The answer to a whole request that came at a moment (monotonic), without waiting. «Soon»: what it
# needs is being read. ``None``: the request goes the usual way.
Quick = Callable[[bytes, float], bytes | Soon | None]


@dataclass(frozen=True)
class Reception:
    """What all arrivals of a listener share.

    ``entries`` are those that waitress polls, by their descriptors. ``pass_on`` gives a connection
    to waitress, with what is left of its answer, if it has one.
    """

    entries: dict[int, Any]
    quick: Sequence[Quick]
    pass_on: Callable[["Arrival", bytes], None]
    receive: Receiver = field(default_factory=Receiver)

    def answer_to(self, request: bytes, came_at: float) -> bytes | Soon | None:
        for quick in self.quick:
            try:
                answer = quick(request, came_at)
            except Exception:  # noqa: BLE001  logged, and the usual way answers
                log.exception("a quick answer failed")
                return None
            if answer is not None:
                return answer
        return None


class Arrival:
    """``came`` is what the client has sent, once it has. Then it waits for the answer."""

    # What waitress and the server want to know of an entry.
    accepting = False
    total_outbufs_len = 0

    def __init__(self, reception: Reception, descriptor: int) -> None:
        self.descriptor = descriptor
        self.creation_time = time.time()
        self.came = b""
        self._came_at = 0.0
        self._reception = reception
        reception.entries[descriptor] = self

    @property
    def requests(self) -> bytes:
        return self.came

    def readable(self) -> bool:
        return not self.came

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        try:
            came = self._reception.receive(self.descriptor)
        except OSError:
            came = b""
        if came:
            self.came = came
            self._came_at = time.monotonic()
            self.look()
        elif came is not None:
            self.close()

    def look(self) -> None:
        """Answers the request or passes it on, if it is known how."""
        answer = self._reception.answer_to(self.came, self._came_at)
        if answer is None:
            self._reception.pass_on(self, b"")
        elif answer is not Soon.SOON:
            self._send(answer)

    def close(self) -> None:
        del self._reception.entries[self.descriptor]
        close(self.descriptor)

    def handle_close(self) -> None:
        # The descriptor may be that of another entry by now.
        if self._reception.entries.get(self.descriptor) is self:
            self.close()

    def _send(self, answer: bytes) -> None:
        try:
            sent = send(self.descriptor, answer)
        except OSError:
            sent = len(answer)
        if sent < len(answer):
            self._reception.pass_on(self, answer[sent:])
        else:
            self.close()

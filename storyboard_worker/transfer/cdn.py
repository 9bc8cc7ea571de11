"""The CDN as a browser meets it: whether it serves a picture.

The URL of a picture is the ``secure_url`` of Cloudinary's answer. But it is read from a row, and a
producer may have written it there. So it is guarded as the URL of a source is: https, and an
address that is public. ``SOURCE_HOSTS`` does not count: it names hosts of sources.
"""

from dataclasses import dataclass
from enum import Enum, auto

import httpx

from storyboard_worker import __version__
from storyboard_worker.errors import AttemptError
from storyboard_worker.lengths import MAX_URL_BYTES
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.transfer.source_targets import Targets
from storyboard_worker.transfer.storage_answers import MAX_REASON_CHARACTERS, as_one_line
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.reply import Reply
from storyboard_worker.wire.request import Request, Target, field_lines, head_of
from storyboard_worker.wire.transport import Transport

UPSTREAM = "cdn"
ERROR_FIELD = b"x-cld-error"
FIELDS = field_lines(
    (b"Accept", b"image/*"), (b"User-Agent", f"storyboard-worker/{__version__}".encode())
)
# They say nothing of the picture: a time-out, a limited rate.
UNANSWERED_STATUSES = frozenset({408, 425, 429})
# The CDN does not know HEAD.
NO_HEAD_STATUSES = frozenset({405, 501})


class Sight(Enum):
    """What the CDN does with a picture.

    ``UNANSWERED``: it gives no answer, or says that it cannot give one now. ``UNKNOWN``: it was not
    asked, or the answer leaves it open.
    """

    SERVED = auto()
    REFUSED = auto()
    UNANSWERED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Seen:
    """``reason`` says why, for people; it holds no secret."""

    sight: Sight
    reason: str = ""


class Cdn:
    """Asks for pictures by HEAD, so that no body is sent. Redirects are not followed.

    ``transport`` must guard the addresses that names lead to. ``allow_http`` permits plain http
    (development). ``redactor`` cleans what the CDN says.
    """

    def __init__(self, transport: Transport, *, allow_http: bool, redactor: Redactor) -> None:
        self._transport = transport
        self._targets = Targets(allowed_hosts=(), allow_http=allow_http)
        self._redactor = redactor

    def look_at(self, url: str, deadline: Deadline) -> Seen:
        """How the picture at ``url`` fares, at the latest when ``deadline`` ends. Never raises."""
        if len(url) > MAX_URL_BYTES:
            return Seen(Sight.UNKNOWN, "its URL is too long to be asked")
        try:
            reply = self._ask(self._targets.checked(url, UPSTREAM), deadline)
        except AttemptError as error:
            # The address guard, or a lack of our own.
            return Seen(Sight.UNKNOWN, f"not asked: {error.message}")
        except httpx.TimeoutException:
            return Seen(Sight.UNANSWERED, "no answer in time")
        except httpx.TransportError as error:
            return Seen(Sight.UNANSWERED, f"no answer ({self._clean(str(error))})")
        return Seen(_sight_of(reply), self._reason(reply))

    def _ask(self, target: Target, deadline: Deadline) -> Reply:
        request = Request("HEAD", target.origin, head_of("HEAD", target, FIELDS))
        reply = self._transport.send(request, deadline)
        reply.body.close()
        return reply

    def _reason(self, reply: Reply) -> str:
        said = self._clean(reply.text(ERROR_FIELD))
        return f"{reply.status}: {said}" if said else str(reply.status)

    def _clean(self, text: str) -> str:
        return as_one_line(self._redactor.text(text))[:MAX_REASON_CHARACTERS]

    def close(self) -> None:
        self._transport.close()


def _sight_of(reply: Reply) -> Sight:
    status = reply.status
    if status in NO_HEAD_STATUSES or httpx.codes.is_redirect(status):
        return Sight.UNKNOWN
    if status in UNANSWERED_STATUSES or httpx.codes.is_server_error(status):
        return Sight.UNANSWERED
    if httpx.codes.is_client_error(status):
        return Sight.REFUSED
    if not httpx.codes.is_success(status):
        return Sight.UNKNOWN
    # With this field even a 200 is a substitute for the picture.
    return Sight.REFUSED if reply.text(ERROR_FIELD) else Sight.SERVED

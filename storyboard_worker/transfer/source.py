"""The source: where a generated image lies, behind a signed URL.

Nothing about the URL is trusted: its scheme and host, the address behind the host (checked by
the transport's resolver), each redirect, and what the answer says about itself are all checked.
Errors of the HTTP client become :class:`AttemptError` here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import httpx

from storyboard_worker import __version__
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.storyboard import host_of
from storyboard_worker.transfer.retry_after import retry_after_seconds
from storyboard_worker.transfer.source_targets import Targets
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.reply import AnswerBody, Reply
from storyboard_worker.wire.request import Request, Target, field_lines, head_of
from storyboard_worker.wire.transport import Begun, Transport

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# 203 is an answer that a proxy has changed (RFC 9110, section 15.3.4).
WHOLE_STATUSES = frozenset({200, 203})
HTTP_PARTIAL = 206
CONTENT_RANGE = re.compile(r"bytes 0-([0-9]{1,18})/([0-9]{1,18})")
MAX_ENCODING_CHARACTERS = 40

FIELDS = field_lines(
    # Compression does not make an image smaller, and a hostile answer could unpack to gigabytes.
    (b"Accept-Encoding", b"identity"),
    (b"Accept", b"image/*"),
    (b"User-Agent", f"storyboard-worker/{__version__}".encode()),
)

STATUS_CODES = {
    401: ErrorCode.SOURCE_UNAUTHORIZED,
    403: ErrorCode.SOURCE_FORBIDDEN,
    404: ErrorCode.SOURCE_NOT_FOUND,
    408: ErrorCode.SOURCE_TIMEOUT,
    409: ErrorCode.SOURCE_UNAVAILABLE,
    410: ErrorCode.SOURCE_NOT_FOUND,
    423: ErrorCode.SOURCE_UNAVAILABLE,
    425: ErrorCode.SOURCE_UNAVAILABLE,
    428: ErrorCode.SOURCE_UNAVAILABLE,
    429: ErrorCode.SOURCE_RATE_LIMITED,
}
# How stores answer for a link that has expired.
DEAD_LINK_STATUSES = frozenset({400, 401, 403, 404})


@dataclass(slots=True)
class SourceImage:
    """An answer whose body is being read; the end of a ``with`` block stops that.

    ``length_bytes`` is the declared length, or ``None``. ``encoding`` is the answer's
    ``Content-Encoding``. Nothing is unpacked, and proxies declare encodings for bytes that are
    intact, so it only helps to explain bytes that are no image.
    """

    length_bytes: int | None
    encoding: str
    chunks: Iterator[bytes]
    body: AnswerBody

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.body.close()


class Source:
    """Opens images by their signed URLs.

    ``allowed_hosts`` holds exact names, or ``*.example.com`` for every name below it; empty
    allows any host. ``allow_http`` permits plain http (development).
    """

    def __init__(
        self,
        transport: Transport,
        *,
        allowed_hosts: tuple[str, ...] = (),
        allow_http: bool = False,
    ) -> None:
        self._transport = transport
        self._targets = Targets(allowed_hosts=allowed_hosts, allow_http=allow_http)

    def begin(self, url: str, deadline: Deadline) -> Begun | None:
        """Ask for the image behind ``url`` without waiting, if that is possible now.

        ``None``: :meth:`open` does all of it, and tells what is wrong with the URL.
        """
        try:
            request = _request(self._targets.checked(url, ""))
        except (AttemptError, httpx.LocalProtocolError):
            return None
        return self._transport.begin(request, deadline)

    def open(
        self,
        url: str,
        deadline: Deadline,
        *,
        link_has_expired: Callable[[], bool],
        begun: Begun | None = None,
    ) -> SourceImage:
        """The image behind ``url``, as soon as the head of a good answer has arrived.

        Raises :class:`AttemptError` with a ``source_…`` code. Iterating ``chunks`` raises it
        with ``image_truncated`` when the body breaks off. ``link_has_expired`` decides whether
        a 403 means ``source_expired`` or ``source_forbidden``. ``begun`` is what :meth:`begin` has
        begun for the same URL.
        """
        upstream = host_of(url)
        reply = self._follow(url, upstream, deadline, begun)
        try:
            _check_answer(reply, upstream, link_has_expired)
            return SourceImage(
                length_bytes=_declared_length(reply),
                encoding=reply.text(b"content-encoding")[:MAX_ENCODING_CHARACTERS],
                chunks=_chunks(reply, upstream, deadline),
                body=reply.body,
            )
        except BaseException:
            reply.body.close()
            raise

    def _follow(self, url: str, upstream: str, deadline: Deadline, begun: Begun | None) -> Reply:
        target = self._targets.checked(url, upstream)
        for _ in range(MAX_REDIRECTS):
            reply = self._get(target, upstream, deadline, begun)
            begun = None
            if reply.status not in REDIRECTS:
                return reply
            reply.body.close()
            target = self._targets.redirected(target, reply, upstream)
        reply = self._get(target, upstream, deadline)
        if reply.status in REDIRECTS:
            reply.body.close()
            raise AttemptError(
                ErrorCode.SOURCE_REJECTED,
                f"the source redirects more than {MAX_REDIRECTS} times",
                upstream=upstream,
                http_status=reply.status,
            )
        return reply

    def _get(
        self, target: Target, upstream: str, deadline: Deadline, begun: Begun | None = None
    ) -> Reply:
        request = begun.request if begun else _request(target)
        try:
            return self._transport.send(request, deadline, begun)
        except AttemptError as error:
            # The address guard raises it with the host at hand, which may be a redirect's.
            error.upstream = upstream
            raise
        except httpx.TimeoutException as error:
            deadline.check(upstream)
            raise AttemptError(
                ErrorCode.SOURCE_TIMEOUT, "the source does not answer in time", upstream=upstream
            ) from error
        except httpx.TransportError as error:
            deadline.check(upstream)
            raise AttemptError(
                ErrorCode.SOURCE_UNAVAILABLE,
                f"the source cannot be reached ({error})",
                upstream=upstream,
            ) from error

    def close(self) -> None:
        self._transport.close()


def _request(target: Target) -> Request:
    return Request("GET", target.origin, head_of("GET", target, FIELDS))


def _check_answer(reply: Reply, upstream: str, link_has_expired: Callable[[], bool]) -> None:
    status = reply.status
    if status in WHOLE_STATUSES or (status == HTTP_PARTIAL and _holds_all(reply)):
        return
    raise AttemptError(
        _code_for(status, link_has_expired),
        f"the source answers {status}",
        upstream=upstream,
        retry_after_seconds=retry_after_seconds(reply.head),
        http_status=status,
    )


def _holds_all(reply: Reply) -> bool:
    """Whether the part is the whole image (RFC 9110, section 14.4), as some caches answer."""
    found = CONTENT_RANGE.fullmatch(reply.text(b"content-range"))
    return found is not None and int(found[1]) + 1 == int(found[2])


def _code_for(status: int, link_has_expired: Callable[[], bool]) -> ErrorCode:
    if status in DEAD_LINK_STATUSES and link_has_expired():
        return ErrorCode.SOURCE_EXPIRED
    if status in STATUS_CODES:
        return STATUS_CODES[status]
    if httpx.codes.is_server_error(status):
        return ErrorCode.SOURCE_UNAVAILABLE
    # Another 2xx brings no content or a part of it, and not the whole image.
    return (
        ErrorCode.IMAGE_TRUNCATED if httpx.codes.is_success(status) else ErrorCode.SOURCE_REJECTED
    )


def _declared_length(reply: Reply) -> int | None:
    # The wire refuses answers with several lengths, or with a length beside chunks.
    declared = reply.text(b"content-length")
    return int(declared) if declared else None


def _chunks(reply: Reply, upstream: str, deadline: Deadline) -> Iterator[bytes]:
    try:
        yield from reply.body
    except httpx.TimeoutException as error:
        deadline.check(upstream)
        raise AttemptError(
            ErrorCode.SOURCE_TIMEOUT,
            f"the source does not send the image in time ({error})",
            upstream=upstream,
        ) from error
    except httpx.TransportError as error:
        deadline.check(upstream)
        raise AttemptError(
            ErrorCode.IMAGE_TRUNCATED,
            f"the image breaks off while it is read ({error})",
            upstream=upstream,
        ) from error

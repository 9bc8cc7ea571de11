"""A source of images behind signed URLs, in the manner of BytePlus TOS.

The form of the URLs is TOS's; the signature is one of our own over the same things (method,
path, query), because only this server checks it.
"""

import hashlib
import hmac
import secrets
import ssl
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from storyboard_worker.demo.exchange import Exchange, Request
from storyboard_worker.demo.fault_kinds import FaultQueue, SourceFault, StoredObject
from storyboard_worker.demo.journal import Journal, ReceivedRequest, received
from storyboard_worker.demo.server import Server

DATE_FORMAT = "%Y%m%dT%H%M%SZ"
SIGNATURE = "X-Tos-Signature"


class Refused(Exception):
    """The source does not serve this request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Origin(Server):
    """Serves what was :meth:`put`, to those who hold a URL that :meth:`sign` made.

    ``delay_seconds`` holds every answer back, and may be changed at any time.
    """

    def __init__(
        self,
        *,
        delay_seconds: float = 0.0,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(address=address, port=port, tls=tls)
        self.delay_seconds = delay_seconds
        self._secret = secrets.token_bytes(32)
        self._guard = threading.Lock()
        self._objects: dict[str, tuple[StoredObject, FaultQueue[SourceFault]]] = {}
        self._journal: Journal[ReceivedRequest] = Journal()

    def put(
        self,
        name: str,
        body: bytes,
        *,
        content_type: str = "image/jpeg",
        faults: Sequence[SourceFault] = (),
    ) -> None:
        """Store an object under ``name`` (no slash in front), or replace it.

        Each request takes the next of ``faults``; after the last the object is served well.
        """
        queue: FaultQueue[SourceFault] = FaultQueue()
        for fault in faults:
            queue.add(fault, None if fault.always else 1)
        with self._guard:
            self._objects[f"/{name}"] = (StoredObject(body, content_type), queue)

    def clear_faults(self) -> None:
        """From now on all objects are served well."""
        with self._guard:
            for _, faults in self._objects.values():
                faults.clear()

    def sign(
        self, name: str, *, expires_seconds: int = 86_400, signed_at: datetime | None = None
    ) -> str:
        """A URL for GET, good for ``expires_seconds`` from ``signed_at`` (now, if not given)."""
        signed_at = (signed_at or datetime.now(UTC)).astimezone(UTC)
        query = {
            "X-Tos-Algorithm": "TOS4-HMAC-SHA256",
            "X-Tos-Credential": f"AKTPdemo/{signed_at:%Y%m%d}/loopback/tos/request",
            "X-Tos-Date": signed_at.strftime(DATE_FORMAT),
            "X-Tos-Expires": str(expires_seconds),
            "X-Tos-SignedHeaders": "host",
        }
        query[SIGNATURE] = self._signature("GET", f"/{name}", query)
        return f"{self.url}/{quote(name)}?{urlencode(sorted(query.items()))}"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """All requests so far, in the order of their arrival, whatever became of them."""
        return self._journal.entries()

    def wait_for_requests(self, count: int, timeout_seconds: float = 10.0) -> list[ReceivedRequest]:
        """All requests, once there are ``count``; else :class:`TimeoutError`."""
        return self._journal.wait_for(count, timeout_seconds)

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        self._journal.add(received(request))
        exchange.standing_headers["x-tos-request-id"] = secrets.token_hex(8)
        exchange.pause(self.delay_seconds)
        try:
            self._check_signature(request)
            found, faults = self._find(request)
        except Refused as refusal:
            body = f"<Error><Code>{refusal.code}</Code><Message>{refusal}</Message></Error>"
            exchange.answer(refusal.status, body.encode(), {"Content-Type": "application/xml"})
            return
        fault = faults.take()
        if fault is None:
            found.serve(exchange)
        else:
            fault.serve(exchange, found)

    def _check_signature(self, request: Request) -> None:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        claimed = query.pop(SIGNATURE, "")
        expected = self._signature(request.method, request.path, query)
        if not hmac.compare_digest(claimed.encode(), expected.encode()):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature does not match.")
        # Signed, so written by us: these can be read.
        signed_at = datetime.strptime(query["X-Tos-Date"], DATE_FORMAT).replace(tzinfo=UTC)
        if datetime.now(UTC) >= signed_at + timedelta(seconds=int(query["X-Tos-Expires"])):
            raise Refused(403, "AccessDenied", "Request has expired.")

    def _signature(self, method: str, path: str, query: Mapping[str, str]) -> str:
        text = "\n".join([method, path, urlencode(sorted(query.items()))])
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def _find(self, request: Request) -> tuple[StoredObject, FaultQueue[SourceFault]]:
        with self._guard:
            found = self._objects.get(request.path)
        if found is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        return found

"""A stand-in for Sentry that accepts envelopes, as documented for SDK developers.

https://develop.sentry.dev/sdk/data-model/envelopes/: a line of JSON for the envelope, then for each
item a line of JSON and its payload, ``length`` bytes long or up to the line's end.
"""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli

PROJECT = 42
# The SDK uses Brotli where it is installed.
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda body: body,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
}
PUBLIC_KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Item:
    """One item of an envelope: its headers and its payload."""

    headers: dict[str, Any]
    payload: bytes

    @property
    def type(self) -> str:
        return str(self.headers["type"])


def parse_envelope(body: bytes) -> list[Item]:
    """Raises :class:`ValueError` for bytes that are no envelope."""
    json.loads(body.partition(b"\n")[0])
    rest = body.partition(b"\n")[2]
    items = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        headers = json.loads(line)
        length = headers.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        items.append(Item(headers, rest[:length]))
        rest = rest[length:].removeprefix(b"\n")
    return items


@dataclass
class SentryServer:
    """The items received so far. ``raw`` holds every byte of every envelope, unpacked."""

    dsn: str = ""
    raw: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> None:
        with self.lock:
            self.raw.append(body)

    @property
    def items(self) -> list[Item]:
        with self.lock:
            return [item for body in self.raw for item in parse_envelope(body)]

    @property
    def events(self) -> list[dict[str, Any]]:
        return self._payloads("event")

    @property
    def transactions(self) -> list[dict[str, Any]]:
        return self._payloads("transaction")

    def _payloads(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(item.payload) for item in self.items if item.type == kind]


@contextmanager
def sentry_server() -> Iterator[SentryServer]:
    """A server on a free port of loopback."""
    server = SentryServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = UNPACK[self.headers.get("Content-Encoding", "identity")](body)
            known = self.path == f"/api/{PROJECT}/envelope/"
            if known:
                server.take(body)
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args: object) -> None:
            pass

    class QuietServer(ThreadingHTTPServer):
        daemon_threads = True

    with QuietServer(("127.0.0.1", 0), Handler) as http:
        server.dsn = f"http://{PUBLIC_KEY}@127.0.0.1:{http.server_port}/{PROJECT}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()

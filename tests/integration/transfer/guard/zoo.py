"""Asks a source for every address that is not public, and reports the results.

It runs inside a network namespace of its own, in which only loopback can be reached. A server at an
address that counts as public redirects to all of the others.
"""

import fcntl
import json
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from itertools import count
from typing import Any

from storyboard_worker.errors import AttemptError
from storyboard_worker.transfer.public_addresses import PublicResolver
from storyboard_worker.transfer.source import Source
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Transport
from tests.support.special_addresses import NEVER, PRIVATE

PUBLIC = "11.0.0.1"
PUBLIC_NAME = "public.test"
# A name that leads to the public address at the first look-up, and to loopback afterwards.
REBOUND_NAME = "rebound.test"
BODY = b"an image"
SPELLINGS = (
    *("127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "017700000001", "127.0.1"),
    *("0", "0x0", "0.0", "localhost", "LOCALHOST.", "127.0.0.1.", "[::ffff:7f00:1]", "[::1]"),
    *(
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "\uff11\uff12\uff17.0.0.1",
        "0xa9fea9fe",
    ),
    *("2852039166", "169.254.43518", "0251.0376.0251.0376", "%31%32%37.0.0.1", "[fe80::1%25lo]"),
    *(f"{PUBLIC}@127.0.0.1", f"127.0.0.1\\@{PUBLIC}", f"{PUBLIC}\\.127.0.0.1", "127.0.0.1%23"),
)
SIOCSIFADDR, SIOCSIFFLAGS = 0x8916, 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40


def bring_up_loopback() -> None:
    """Loopback with the public address in addition."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        up = struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING)
        fcntl.ioctl(control, SIOCSIFFLAGS, up)
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(PUBLIC))
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s8x", b"lo:1", address))


class Names:
    """Replaces the name server. The system's resolver reads addresses in all spellings."""

    def __init__(self) -> None:
        self._system = socket.getaddrinfo
        self._leading_to = {PUBLIC_NAME: [PUBLIC]}
        self._rebound = count()

    def add(self, address: str) -> str:
        name = f"zoo-{len(self._leading_to)}.test"
        self._leading_to[name] = [address]
        return name

    def __call__(self, host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
        if named.get("flags") == socket.AI_NUMERICHOST:
            # It asks no name server for any host.
            return self._system(host, port, *arguments, **named)
        if host == REBOUND_NAME:
            leading_to = [PUBLIC if next(self._rebound) == 0 else "127.0.0.1"]
        else:
            leading_to = self._leading_to.get(host, [host])
        return [
            found
            for address in leading_to
            for found in self._system(address, port, *arguments, **named)
        ]


class Redirecting(BaseHTTPRequestHandler):
    """Redirects to the text after the ``?``; without one it answers with an image."""

    def do_GET(self) -> None:
        target = bytes.fromhex(self.path.partition("?")[2])
        self.send_response(302 if target else 200)
        if target:
            # send_header would take no bytes.
            self._headers_buffer.append(b"Location: " + target + b"\r\n")  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(0 if target else len(BODY)))
        self.end_headers()
        if not target:
            self.wfile.write(BODY)

    def log_message(self, *_: Any) -> None:
        pass


def verdict(source: Source, url: str) -> str:
    try:
        with source.open(url, Deadline(10), link_has_expired=lambda: False) as found:
            return b"".join(found.chunks).decode()
    except AttemptError as error:
        return error.code


def hosts(names: Names) -> Iterator[str]:
    for address in (*PRIVATE, *NEVER):
        with suppress(ValueError):
            ip_address(address)
            yield f"[{address}]" if ":" in address else address
            yield names.add(address)
    yield from SPELLINGS


def new_source() -> Source:
    transport = Transport(
        resolve=PublicResolver(allow_private=False),
        connect_timeout_seconds=2,
        read_timeout_seconds=2,
    )
    return Source(transport, allow_http=True)


def main() -> None:
    bring_up_loopback()
    names = Names()
    socket.getaddrinfo = names
    connects: set[str] = set()
    server = ThreadingHTTPServer((PUBLIC, 0), Redirecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            connects.add(str(arguments[1]))

    sys.addaudithook(note)
    source = new_source()
    port = server.server_address[1]
    verdicts = {}
    for host in hosts(names):
        url = f"http://{host}:{port}/"
        leading_there = f"http://{PUBLIC_NAME}:{port}/?{url.encode().hex()}"
        verdicts[url] = [verdict(source, url), verdict(source, leading_there)]
    good = f"http://{PUBLIC_NAME}:{port}/"
    rebound = f"http://{REBOUND_NAME}:{port}/"
    told = {
        "verdicts": verdicts,
        "public": [verdict(source, good), verdict(source, f"{good}?{good.encode().hex()}")],
        "rebound": [verdict(new_source(), rebound) for _ in range(2)],
        "connects": sorted(connects),
        "server": str((PUBLIC, port)),
    }
    server.shutdown()
    server.server_close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""Asks the image route at a steady pace, in a process of its own that costs little.

``python -m tests.benchmarks.image_load PORT SECONDS PER_SECOND < PATHS`` prints what came back.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

# More than that wait for the server only when it cannot keep up.
MOST_UNDER_WAY = 64
LOOK_SECONDS = 0.001


@dataclass(frozen=True)
class Asked:
    """``per_second`` are answers; ``median_ms`` is the time from the connection to its end."""

    per_second: float
    median_ms: float
    statuses: dict[str, int]


def start_asking(
    port: int, paths: Sequence[str], *, seconds: float, per_second: int
) -> subprocess.Popen[str]:
    """Begins at once; :func:`end_of` waits for the figures."""
    arguments = [str(port), str(seconds), str(per_second), *paths]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.image_load", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> Asked:
    printed, _ = process.communicate()
    return Asked(**json.loads(printed))


class _Client:
    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port = port
        self._paths = cycle(paths)
        self._selector = selectors.DefaultSelector()
        self.times_ms: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.under_way = 0

    def ask(self) -> None:
        began_at = time.monotonic()
        sock = socket.create_connection(("127.0.0.1", self._port))
        sock.sendall(f"GET {next(self._paths)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        self._selector.register(sock, selectors.EVENT_READ, (began_at, []))
        self.under_way += 1

    def read(self, wait_seconds: float) -> None:
        for key, _ in self._selector.select(wait_seconds):
            began_at, pieces = key.data
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            piece = sock.recv(65_536)
            pieces.append(piece)
            if not piece:
                self._selector.unregister(sock)
                sock.close()
                self.under_way -= 1
                self.times_ms.append((time.monotonic() - began_at) * 1000)
                self.statuses[b"".join(pieces)[9:12].decode()] += 1


def _due(seconds: float, per_second: int) -> Iterator[float]:
    began_at = time.monotonic()
    return (began_at + number / per_second for number in range(int(seconds * per_second)))


def main(port: int, seconds: float, per_second: int, paths: Sequence[str]) -> None:
    client, began_at = _Client(port, paths), time.monotonic()
    ends_at = began_at + seconds
    for due in _due(seconds, per_second):
        while client.under_way >= MOST_UNDER_WAY or time.monotonic() < due:
            client.read(LOOK_SECONDS)
        if time.monotonic() > ends_at:
            break
        client.ask()
    answered = len(client.times_ms) / (time.monotonic() - began_at)
    while client.under_way:
        client.read(1.0)
    middle = sorted(client.times_ms)[len(client.times_ms) // 2]
    print(
        json.dumps({"per_second": answered, "median_ms": middle, "statuses": dict(client.statuses)})
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])

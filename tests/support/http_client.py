"""A plain HTTP client, and sockets for requests that no client would send."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.text)


def call(
    port: int,
    path: str,
    method: str = "GET",
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    given = {} if token is None else {"Authorization": f"Bearer {token}"}
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body, headers={**given, **(headers or {})})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, response.read().decode())
    finally:
        connection.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)


def exchange(port: int, sent: bytes) -> bytes:
    """Send these bytes, and read until the server closes."""
    with connect(port) as sock:
        sock.sendall(sent)
        received = b""
        while piece := sock.recv(65_536):
            received += piece
        return received

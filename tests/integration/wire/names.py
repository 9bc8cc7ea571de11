"""Host names of the tests, which all lie on loopback."""

import socket

from storyboard_worker.wire.resolve import (
    Resolver,
    SocketAddress,
)


def leading_to(*ports: int) -> Resolver:
    """Every host lies on loopback, at these ports."""

    def resolve(host: str, port: int) -> list[SocketAddress]:
        return [(socket.AF_INET, ("127.0.0.1", port)) for port in ports]

    return resolve

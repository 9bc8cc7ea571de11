"""Ports on loopback."""

import socket


def free_port() -> int:
    """One that nothing listens on, for a server that is told its port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

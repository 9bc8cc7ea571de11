import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from storyboard_worker.wire.transport import Transport
from tests.integration.wire.clients import MakeClient
from tests.support.httpx_transport import HttpxTransport


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Clients over a Transport, with generous time-outs unless a test sets others."""
    with ExitStack() as clients:

        def make(**settings: Any) -> httpx.Client:
            settings = {
                "connect_timeout_seconds": 20.0,
                "read_timeout_seconds": 20.0,
                **settings,
            }
            transport = HttpxTransport(Transport(**settings))
            client = httpx.Client(transport=transport, trust_env=False)
            return clients.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> httpx.Client:
    return make_client()


@pytest.fixture
def full_listener() -> Iterator[str]:
    """The URL of a port whose queue is full, and which accepts no connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.settimeout(0)
            sock.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for sock in waiting:
            sock.close()

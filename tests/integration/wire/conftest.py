from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from storyboard_worker.wire.transport import Transport

MakeClient = Callable[..., httpx.Client]


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
            client = httpx.Client(transport=Transport(**settings), trust_env=False)
            return clients.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> httpx.Client:
    return make_client()

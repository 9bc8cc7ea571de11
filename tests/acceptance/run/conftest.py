"""What holds an upstream back."""

import threading
from collections.abc import Iterator

import pytest

from storyboard_worker.demo.origin import Origin

DOWN_HOST = "127.0.0.2"


@pytest.fixture
def down_origin() -> Iterator[Origin]:
    """An origin at another host than the one that is well."""
    with Origin(address=DOWN_HOST) as origin:
        yield origin


@pytest.fixture
def go_on() -> threading.Event:
    """Lets the source answer the requests that hang."""
    return threading.Event()

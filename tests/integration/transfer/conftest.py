"""A stage for each test, and images that fit it."""

import ssl
from collections.abc import Iterator

import pytest

from storyboard_worker.demo.pictures import random_image
from storyboard_worker.wire.dialing import VerifyingTls
from tests.support.stage import HASTY_SECONDS, Stage, new_stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with new_stage() as stage:
        yield stage


@pytest.fixture
def hasty_stage() -> Iterator[Stage]:
    """With short time-outs, for faults that end with one."""
    with new_stage(HASTY_SECONDS) as stage:
        yield stage


@pytest.fixture(scope="session")
def image() -> bytes:
    """It is larger than one read of the source's answer, so an upload begins before its end."""
    return random_image(700_000, "JPEG", seed=1)


@pytest.fixture(scope="session")
def small_image() -> bytes:
    return random_image(5_000, "JPEG", seed=2)


@pytest.fixture(scope="session")
def tls(
    server_tls: ssl.SSLContext, trusting_tls: VerifyingTls
) -> tuple[ssl.SSLContext, VerifyingTls]:
    """The contexts of a server on 127.0.0.1 and of a client that trusts it."""
    return server_tls, trusting_tls

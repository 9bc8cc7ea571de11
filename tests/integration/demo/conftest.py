"""The stand-ins, fresh for each test, and real clients for them."""

from collections.abc import Iterator

import httpx
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.pictures import random_image
from tests.integration.demo.sdk import Sdk


@pytest.fixture
def account() -> Iterator[Cloudinary]:
    with Cloudinary() as server:
        yield server


@pytest.fixture
def sdk(account: Cloudinary) -> Sdk:
    return Sdk(account)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def image() -> bytes:
    return random_image(300_000, "JPEG", seed=1)

"""What the tests of several wings share: TLS on loopback, one slot, the queue, a bench."""

import shlex
import ssl
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.wire.dialing import VerifyingTls
from tests.support.attempting import Bench, new_bench
from tests.support.stage import new_stage


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = "subjectAltName=" + ",".join(
        [f"DNS:{name}" for name in ("localhost", "xn--bcher-kva.test", "*.wild.test", "b_c.test")]
        + ["IP:127.0.0.1"]
    )
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=loopback -addext {names} -keyout {key} -out {certificate}"
    )
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="session")
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture(scope="session")
def trusting_tls(certificate: tuple[Path, Path]) -> VerifyingTls:
    return partial(ssl.create_default_context, cafile=str(certificate[0]))


@pytest.fixture
def slot() -> Iterator[ThreadPoolExecutor]:
    """A thread for an attempt that runs beside the test."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def queue_of(database: Database) -> Callable[[str], StoryboardQueue]:
    """The queue as the worker of that name sees it."""
    return lambda worker_id: StoryboardQueue(database, worker_id=worker_id, lease_seconds=60)


@pytest.fixture
def queue(queue_of: Callable[[str], StoryboardQueue]) -> StoryboardQueue:
    return queue_of("worker-1")


@pytest.fixture
def bench(database: Database, producer: psycopg.Connection) -> Iterator[Bench]:
    """The parts of a worker that copy one image, without its threads."""
    with new_stage() as stage:
        yield new_bench(stage, database, producer)

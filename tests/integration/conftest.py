"""What the tests of several folders share: TLS on loopback, a Sentry, one slot."""

import shlex
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.sentry_server import SentryServer, sentry_server


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
def trusting_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What hanging stand-ins wait for."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def slot() -> Iterator[ThreadPoolExecutor]:
    """A thread for an attempt that the test outruns."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def sentry() -> Iterator[SentryServer]:
    with sentry_server() as server:
        yield server

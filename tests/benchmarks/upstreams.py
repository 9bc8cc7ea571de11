"""The source and the storage of a measurement: ``native/upstreams.c`` in a process of its own."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from storyboard_worker.demo.pictures import random_image
from tests.benchmarks.certificate import Certificate
from tests.benchmarks.checks import check

STOP_SECONDS = 10


@dataclass(frozen=True)
class Conditions:
    """The images, and the ways to and from the upstreams."""

    image_bytes: int
    source_delay_ms: int = 0
    storage_delay_ms: int = 0
    bytes_per_second: int = 0
    """Of each connection, in either direction; 0: no limit."""
    tls: bool = False


@dataclass(frozen=True)
class Tally:
    """The counts of the upstreams. Moments are those of :func:`time.monotonic_ns`. ``resumed``:
    TLS handshakes that went on with an earlier session."""

    requests: int
    stored: int
    mismatched: int
    first_request_ns: int
    last_stored_ns: int
    connections: int
    resumed: int
    most_at_once: int


class Upstreams:
    """The upstreams' process, which ``with`` starts and stops."""

    def __init__(
        self, program: Path, folder: Path, conditions: Conditions, certificate: Certificate | None
    ) -> None:
        self.certificate = certificate
        self._command = _command(program, _image_in(folder, conditions.image_bytes), conditions)
        if certificate:
            self._command += ["--certificate", str(certificate.certificate)]
            self._command += ["--key", str(certificate.key)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ports = self._answer()
        self.source_port: int = ports["source_port"]
        self.storage_port: int = ports["storage_port"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=STOP_SECONDS)  # It ends with its input

    @property
    def source_url(self) -> str:
        return self._url(self.source_port)

    @property
    def storage_url(self) -> str:
        return self._url(self.storage_port)

    def tally(self) -> Tally:
        """The counts since the start, or since :meth:`forget`."""
        return Tally(**self._ask("stats"))

    def forget(self) -> None:
        """Count from zero again."""
        self._ask("forget")

    def check_stored(self, count: int) -> None:
        """Check that exactly so many images were stored, every byte as the source gave it."""
        tally = self.tally()
        check(tally.mismatched == 0, f"{tally.mismatched} stored images were not as the source's")
        check(tally.stored == count, f"{tally.stored} images were stored instead of {count}")

    def _url(self, port: int) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{port}"

    def _ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        check(line != "", "the upstreams have ended by themselves")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _image_in(folder: Path, image_bytes: int) -> Path:
    path = folder / f"image-{image_bytes}.png"
    if not path.exists():
        path.write_bytes(random_image(image_bytes, "PNG", seed=1))
    return path


def _command(program: Path, image: Path, conditions: Conditions) -> list[str]:
    md5 = hashlib.md5(image.read_bytes(), usedforsecurity=False).hexdigest()
    options = {
        "image": image,
        "md5": md5,
        "source-delay-ms": conditions.source_delay_ms,
        "storage-delay-ms": conditions.storage_delay_ms,
        "rate-bytes-per-second": conditions.bytes_per_second,
    }
    return [str(program), *(f"--{name}={value}" for name, value in options.items())]

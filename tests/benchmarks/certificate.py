"""TLS on loopback."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """It is its own authority: a client that trusts the file ``certificate`` trusts the servers."""

    certificate: Path
    key: Path


def certificate_in(folder: Path) -> Certificate:
    """The folder's certificate for 127.0.0.1, made when it is first asked for."""
    pair = Certificate(folder / "certificate.pem", folder / "key.pem")
    if not pair.key.exists():
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=loopback -addext subjectAltName=IP:127.0.0.1 "
            f"-keyout {pair.key} -out {pair.certificate}"
        )
        subprocess.run(shlex.split(command), check=True, capture_output=True)
    return pair

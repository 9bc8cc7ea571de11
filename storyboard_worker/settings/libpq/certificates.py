"""Checks that the certificate files that libpq would read exist, can be read and are usable."""

import os
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path

from psycopg import pq

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.parameters import Given

FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
SYSTEM = "system"
KNOWS_SYSTEM_SINCE = 160_000
USUAL_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# The openssl in psycopg's wheels looks for certificates in a folder that no system has.
BROUGHT_ALONG = "binary"

Parameters = Mapping[str, Given]


def check_certificates(parameters: Parameters, variables: Mapping[str, str]) -> None:
    """Raises :class:`SettingsError` for the first file that is wrong."""
    for name in FILES:
        given = parameters.get(name)
        if given is not None and given.value and not _is_no_file(given):
            _check_file(given)
    folder = parameters.get("sslcrldir")
    if folder is not None and folder.value and not os.access(folder.value, os.R_OK | os.X_OK):
        raise folder.refused("give the path of a folder that is there and may be read")
    _check_system(parameters.get("sslrootcert"), variables)
    if _uses_tcp(parameters):
        _check_default_roots(parameters)
        _check_default_key(parameters)


def _is_no_file(given: Given) -> bool:
    if given.name == "sslrootcert":
        return given.value == SYSTEM and pq.version() >= KNOWS_SYSTEM_SINCE
    # A value with a colon names an engine and its key.
    return given.name == "sslkey" and ":" in given.value


def _check_file(given: Given) -> None:
    try:
        if given.name == "sslrootcert":
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=given.value)
        with open(given.value, "rb") as file:  # noqa: PTH123  the path is the caller's text
            status = os.fstat(file.fileno())
            file.read(1)
    except ssl.SSLError as error:
        raise given.refused("give the path of a file that holds certificates in PEM") from error
    except (OSError, ValueError) as error:
        raise given.refused("give the path of a file that is there and may be read") from error
    # The rule is libpq's: only the owner may read a key, and a group may read one of root's.
    forbidden = 0o037 if status.st_uid == 0 else 0o077
    if given.name == "sslkey" and stat.S_IMODE(status.st_mode) & forbidden:
        raise given.refused("give the path of a file that only its owner may read (chmod 600)")


def _check_system(roots: Given | None, variables: Mapping[str, str]) -> None:
    if roots is None or not _is_no_file(roots) or pq.__impl__ != BROUGHT_ALONG:
        return
    named = (variables.get("SSL_CERT_FILE"), variables.get("SSL_CERT_DIR"))
    if not any(name and Path(name).exists() for name in named):
        # Without certificates to trust, every server is refused.
        raise roots.refused(
            "system finds no certificates here, so give the path of their file, like "
            f"{usual_bundle()}, or set SSL_CERT_FILE to it"
        )


def usual_bundle() -> str:
    """Where this system has the certificates that it trusts."""
    return ssl.get_default_verify_paths().cafile or USUAL_BUNDLE


def _uses_tcp(parameters: Parameters) -> bool:
    if "service" in parameters:
        # The service file may name any host.
        return False
    address, host = parameters.get("hostaddr"), parameters.get("host")
    hosts = host.value.split(",") if host is not None else []
    return bool(address and address.value) or any(name and name[0] != "/" for name in hosts)


def _check_default_roots(parameters: Parameters) -> None:
    mode, roots = parameters.get("sslmode"), parameters.get("sslrootcert")
    if mode is None or not mode.value.startswith("verify-") or (roots and roots.value):
        return
    if not _in_home("root.crt").exists():
        raise SettingsError(
            f"{mode.variable} asks for sslmode={mode.value}, which needs certificates to trust: "
            f"give their file to DATABASE_URL, like sslrootcert={usual_bundle()}"
        )


def _check_default_key(parameters: Parameters) -> None:
    certificate, key = parameters.get("sslcert"), parameters.get("sslkey")
    if certificate is None or not certificate.value or (key and key.value):
        return
    switches = (parameters.get("sslmode"), parameters.get("sslcertmode"))
    if any(switch and switch.value == "disable" for switch in switches):
        return
    if not _in_home("postgresql.key").exists():
        raise certificate.refused("give the path of its key as sslkey, too")


def _in_home(name: str) -> Path:
    return Path("~").expanduser() / ".postgresql" / name

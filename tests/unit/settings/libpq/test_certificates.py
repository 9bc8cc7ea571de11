"""Files of certificates exist, can be read and used, and are never ignored silently."""

import os
from pathlib import Path

import certifi
import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.reading import read_settings

URL = "postgresql://app:hunter2@db/x"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which libpq looks for files that are not named."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".postgresql"
    folder.mkdir()
    return folder


def read(query: str, url: str = URL, **variables: str) -> None:
    read_settings({"DATABASE_URL": f"{url}?{query}", **variables})


def refusal(query: str, **variables: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read(query, **variables)
    message = str(raised.value)
    assert message.startswith("DATABASE_URL ")
    assert "\n" not in message
    assert "hunter2" not in message
    return message


@pytest.fixture
def key(tmp_path: Path) -> Path:
    key = tmp_path / "client.key"
    key.write_text("a key")
    key.chmod(0o600)
    return key


FILES = ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_there(name: str) -> None:
    assert f"a wrong {name}: give the path of a f" in refusal(f"{name}=/nowhere/hunter2")


@pytest.mark.parametrize("name", FILES[:-1])
def test_a_folder_is_no_file(name: str, tmp_path: Path) -> None:
    assert f"a wrong {name}: " in refusal(f"{name}={tmp_path}")


def test_files_that_are_there(key: Path, tmp_path: Path) -> None:
    read(f"sslrootcert={certifi.where()}&sslmode=verify-full&sslcrldir={tmp_path}")
    read(f"sslcert={certifi.where()}&sslkey={key}&sslcrl={key}")
    read(f"sslcert={certifi.where()}&sslkey=pkcs11:token")


def test_roots_that_are_no_certificates(key: Path) -> None:
    assert "certificates in PEM" in refusal(f"sslrootcert={key}&sslmode=require")


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_key_that_others_may_read_or_write(key: Path, mode: int) -> None:
    key.chmod(mode)
    assert "chmod 600" in refusal(f"sslcert={certifi.where()}&sslkey={key}")


def test_a_group_may_read_a_key_of_roots(key: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, whose keys these are")
    key.chmod(0o640)
    read(f"sslcert={certifi.where()}&sslkey={key}")


def test_a_certificate_without_its_key(home: Path) -> None:
    query = f"sslcert={certifi.where()}"
    assert "as sslkey, too" in refusal(query)
    read(f"{query}&sslmode=disable")
    read(f"{query}&sslcertmode=disable")
    (home / "postgresql.key").write_text("a key")
    read(query)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_verifying_needs_certificates_to_trust(mode: str, home: Path) -> None:
    message = refusal(f"sslmode={mode}")
    assert f"sslmode={mode}, which needs certificates to trust" in message
    assert "sslrootcert=" in message
    read(f"sslmode={mode}&host=/tmp")
    (home / "root.crt").write_text(Path(certifi.where()).read_text())
    read(f"sslmode={mode}")


def test_the_systems_certificates_are_found_only_where_they_are_named(tmp_path: Path) -> None:
    message = refusal("sslrootcert=system")
    assert "a wrong sslrootcert: system finds no certificates here" in message
    read("sslrootcert=system", SSL_CERT_FILE=certifi.where())
    read("sslrootcert=system&sslmode=verify-full", SSL_CERT_DIR=str(tmp_path))
    refusal("sslrootcert=system", SSL_CERT_FILE="/nowhere/hunter2")


def test_the_systems_certificates_with_less_than_full_verification() -> None:
    message = refusal("sslrootcert=system&sslmode=require", SSL_CERT_FILE=certifi.where())
    assert "weak sslmode" in message

"""Debian's source packages, fetched with apt under a configuration of its own.

The machine's own lists and sources stay as they are. Nothing is unpacked but in memory.
"""

import subprocess
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Debian's names of the sources; libvips is `vips` there.
PACKAGES = ("pillow", "exiv2", "vips", "libpng1.6", "libimage-exiftool-perl")


class NotFetchedError(Exception):
    """A package could not be fetched; the message contains apt's words."""


class DebianSources:
    """The archives of upstream's own files, kept in ``folder`` from one run to the next."""

    def __init__(self, folder: Path) -> None:
        self._downloads = folder / "downloads"
        self._options = _configuration(folder)
        self._has_lists = False

    def archives(self, package: str) -> list[Path]:
        """Raises :class:`NotFetchedError`."""
        self._downloads.mkdir(parents=True, exist_ok=True)
        found = self._found(package)
        if not found:
            self._fetch(package)
            found = self._found(package)
        if not found:
            raise NotFetchedError(f"{package}: apt fetched no .orig archive")
        return found

    def _found(self, package: str) -> list[Path]:
        archives = self._downloads.glob(f"{package}_*.orig*.tar.*")
        return sorted(path for path in archives if path.suffix != ".asc")

    def _fetch(self, package: str) -> None:
        if not self._has_lists:
            self._apt_get("update")
            self._has_lists = True
        self._apt_get("source", "--download-only", package)

    def _apt_get(self, *arguments: str) -> None:
        command = ["apt-get", "-qq", *self._options, *arguments]
        try:
            subprocess.run(command, cwd=self._downloads, check=True, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise NotFetchedError("apt-get is missing: this needs a Debian") from error
        except subprocess.CalledProcessError as error:
            complaints = [line for line in error.stderr.splitlines() if line.startswith("E:")]
            said = complaints[0] if complaints else f"exit code {error.returncode}"
            raise NotFetchedError(f"apt-get {' '.join(arguments)}: {said}") from error


def _configuration(folder: Path) -> list[str]:
    """Options that have apt use ``folder`` alone."""
    apt = folder.absolute() / "apt"
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (apt / name).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb-src [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
    values = {
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": apt / "parts",
        "Dir::State::Lists": apt / "lists",
        "Dir::State::Status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Acquire::Languages": "none",
        # Otherwise a mirror that does not answer is only a warning.
        "APT::Update::Error-Mode": "any",
        # apt's own user may not enter a folder that belongs to another user.
        "APT::Sandbox::User": "root",
    }
    return [f"-o{name}={value}" for name, value in values.items()]

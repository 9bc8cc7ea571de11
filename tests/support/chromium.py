"""A real browser without a window, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.support.required import missing

# Debian's package, and the program that GitHub's machines have.
PROGRAMS = ("chromium", "google-chrome")
# No name but this machine's is ever looked up.
SWITCHES = ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; it ends with the block. Skips the test where none is installed."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_program(), args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def _program() -> str:
    found = [path for name in PROGRAMS if (path := shutil.which(name))]
    if not found:
        missing("needs a browser (Debian's package chromium)")
    return found[0]

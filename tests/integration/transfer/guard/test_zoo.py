"""No source leads to a non-public address, directly or by a redirect: no connection is made."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
# In a user namespace a user who is not root may make a network namespace.
NAMESPACE = ("unshare", "--net", "--map-root-user")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The report of :mod:`tests.integration.transfer.guard.zoo`, run in a network of its own."""
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no network namespace")
    zoo = [*NAMESPACE, sys.executable, "-m", "tests.integration.transfer.guard.zoo"]
    done = subprocess.run(zoo, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_none_is_asked(told: dict[str, Any]) -> None:
    # For the system's resolver, too, some are no address.
    refused = [["source_blocked"] * 2, ["source_unavailable"] * 2]
    assert {url: found for url, found in told["verdicts"].items() if found not in refused} == {}
    assert len(told["verdicts"]) > 150


def test_nothing_but_the_public_address_is_connected_to(told: dict[str, Any]) -> None:
    assert told["connects"] == [told["server"]]
    assert told["public"] == ["an image", "an image"]


def test_a_name_is_judged_anew_for_each_connection(told: dict[str, Any]) -> None:
    """The name leads to another address the second time."""
    assert told["rebound"] == ["an image", "source_blocked"]

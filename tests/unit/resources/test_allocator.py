"""Chunks of images take memory that other chunks have left, and not new pages."""

import os
import subprocess
import sys

import pytest

# As many chunks as slots hold, freed together again and again; how many pages that took.
CHUNKS = """
import resource, sys
from storyboard_worker.resources.allocator import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit(3)
def take():
    return [bytes(512 * 1024) for _ in range(16)]
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    take()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages(how: str, **variables: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHUNKS, how],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )
    if done.returncode == 3:
        pytest.skip("the C library is not glibc")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_memory_that_was_freed_serves_again() -> None:
    assert pages("kept") * 10 < pages("as it is")


def test_what_the_environment_sets_stays() -> None:
    """With this threshold memory goes back to the system as soon as it is free."""
    assert pages("kept") * 10 < pages("kept", MALLOC_TRIM_THRESHOLD_="65536")

"""Memory stays flat for images of any size."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from storyboard_worker.demo.faults import Chunked, NoLength, SourceFault
from storyboard_worker.demo.pictures import random_image
from tests.integration.transfer import measured_transfer
from tests.support.stage import Stage

LARGE_BYTES = 30_000_000
PEAK_BYTES = 8_000_000


def peak_bytes(stage: Stage, body: bytes, faults: Sequence[SourceFault]) -> int:
    """The peak of one transfer of ``body``, in a process without the stand-ins."""
    account = stage.cloudinary
    account.max_file_bytes = len(body)
    account.keep_bytes = False
    url = stage.serve(body, faults)
    run = subprocess.run(
        [sys.executable, "-m", measured_transfer.__name__,
         url, account.url, account.api_key, account.api_secret],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert [upload.bytes for upload in account.uploads] == [len(body)]
    return int(run.stdout)


@pytest.mark.parametrize(
    "faults", [[], [Chunked()], [NoLength()]], ids=["length", "chunked", "none"]
)
def test_a_large_image_needs_a_few_chunks_of_memory(
    stage: Stage, faults: Sequence[SourceFault]
) -> None:
    assert peak_bytes(stage, random_image(LARGE_BYTES, "PNG", seed=6), faults) < PEAK_BYTES

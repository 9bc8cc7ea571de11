"""The mark that says how a picture was made survives the copy.

The files were signed with the C2PA project's own library (PyPI: c2pa-python). A PNG keeps its
manifest in a chunk ``caBX``, a JPEG in segments APP11. https://spec.c2pa.org
"""

import httpx
import pytest

from storyboard_worker.demo.faults import Chunked, NoLength, SourceFault
from tests.support.image_files import image_case
from tests.support.stage import Stage

MARKED = [("png-c2pa-signed.png", b"caBX"), ("jpeg-c2pa-signed.jpg", b"\xff\xeb")]


def stored_bytes(stage: Stage, public_id: str) -> bytes:
    asset = stage.cloudinary.asset(public_id)
    assert asset is not None
    assert asset.body is not None
    return asset.body


@pytest.mark.parametrize(("name", "marker"), MARKED)
@pytest.mark.parametrize("faults", [[], [Chunked(chunk_bytes=101)], [NoLength()]])
def test_a_signed_manifest_is_stored_byte_for_byte(
    stage: Stage, name: str, marker: bytes, faults: list[SourceFault]
) -> None:
    body = image_case(name)
    assert marker in body
    assert b"c2pa.claim" in body
    stored = stage.copy(stage.serve(body, faults))
    assert stored_bytes(stage, stored.public_id) == body


@pytest.mark.parametrize("name", [name for name, _ in MARKED])
def test_the_cdn_serves_the_same_bytes(stage: Stage, name: str) -> None:
    body = image_case(name)
    stored = stage.copy(stage.serve(body))
    with httpx.Client(trust_env=False) as browser:
        assert browser.get(stored.cdn_url).content == body

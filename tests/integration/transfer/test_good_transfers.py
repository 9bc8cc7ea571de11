"""Whole images arrive byte for byte, once, under the contract's public id."""

import hashlib
from uuid import UUID

import pytest

from storyboard_worker.demo.faults import AlterAnswer, Chunked, NoLength, SourceFault
from storyboard_worker.demo.pictures import Format, draw, random_image
from tests.support.image_files import image_case
from tests.support.stage import FOLDER, Stage

ID = UUID("0b6f7d5e-3c1a-4b8e-9f00-1234567890ab")
FORMATS: dict[Format, str] = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
SIZES = [4_096, 65_537, 1_000_000, 8_000_000]


def stored_bytes(stage: Stage, public_id: str) -> bytes:
    asset = stage.cloudinary.asset(public_id)
    assert asset is not None
    assert asset.body is not None
    return asset.body


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_and_size_arrives_as_it_was(
    stage: Stage, image_format: Format, size: int
) -> None:
    body = random_image(size, image_format, seed=size)
    stored = stage.copy(stage.serve(body))
    assert stored_bytes(stage, stored.public_id) == body
    assert len(stage.cloudinary.uploads) == 1
    assert len(stage.origin.requests) == 1
    assert stored.format == FORMATS[image_format]
    assert (stored.bytes, stored.etag) == (len(body), hashlib.md5(body).hexdigest())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fault", [Chunked(), Chunked(chunk_bytes=997), NoLength()])
def test_an_image_of_unknown_length_arrives_as_it_was(
    stage: Stage, fault: SourceFault, size: int
) -> None:
    body = random_image(size, "PNG", seed=size)
    stored = stage.copy(stage.serve(body, [fault]))
    assert stored_bytes(stage, stored.public_id) == body
    assert len(stage.cloudinary.uploads) == 1


@pytest.mark.parametrize("image_format", FORMATS)
def test_width_and_height_are_those_of_the_picture(stage: Stage, image_format: Format) -> None:
    stored = stage.copy(stage.serve(draw(3, width=160, height=90, format=image_format)))
    assert (stored.width, stored.height) == (160, 90)


def test_the_public_id_is_the_contracts_formula(stage: Stage, small_image: bytes) -> None:
    url = stage.serve(small_image, name="folder/1.jpg")
    stored = stage.copy(url, storyboard_id=ID)
    digest = hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:10]
    assert stored.public_id == f"{FOLDER}/{ID}-{digest}"
    assert stage.cloudinary.uploads[0].public_id == stored.public_id


def test_the_same_image_lands_on_the_same_asset(stage: Stage, small_image: bytes) -> None:
    url = stage.serve(small_image)
    first = stage.copy(url, storyboard_id=ID)
    again = stage.copy(stage.origin.sign("panel.jpg"), storyboard_id=ID)
    assert (first.public_id, first.asset_id) == (again.public_id, again.asset_id)
    assert first.cdn_url != again.cdn_url


def test_the_steps_are_announced_in_words(stage: Stage, small_image: bytes) -> None:
    stored = stage.copy(stage.serve(small_image))
    assert stage.steps == [
        "asking 127.0.0.1 for the image",
        "the source sends a jpg of 5,000 bytes: uploading it",
        f"Cloudinary has stored it as {stored.public_id}",
    ]


def test_unknown_fields_of_an_answer_do_not_matter(stage: Stage, small_image: bytes) -> None:
    stage.cloudinary.misbehave(AlterAnswer(without=("signature",), changed={"new": [1]}))
    assert stage.copy(stage.serve(small_image)).bytes == len(small_image)


@pytest.mark.parametrize("appended", [1, 5_000, 2_000_000])
def test_what_was_appended_to_an_image_is_kept(
    stage: Stage, small_image: bytes, appended: int
) -> None:
    body = small_image + bytes(appended)
    stored = stage.copy(stage.serve(body))
    assert stored_bytes(stage, stored.public_id) == body


@pytest.mark.parametrize("name", ["jpeg-motion-photo-6k-mp4.jpg", "png-trailing-zip-5k.png"])
def test_a_file_behind_the_image_is_kept(stage: Stage, name: str) -> None:
    body = image_case(name)
    stored = stage.copy(stage.serve(body))
    assert stored_bytes(stage, stored.public_id) == body


def test_a_provenance_mark_is_kept(stage: Stage) -> None:
    body = image_case("png-c2pa-caBX.png")
    assert b"caBX" in body
    stored = stage.copy(stage.serve(body))
    assert stored_bytes(stage, stored.public_id) == body

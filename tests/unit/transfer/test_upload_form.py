"""The form of an upload is signed as the SDK signs, and holds the fields that it signs."""

from collections.abc import Iterator

import cloudinary
import cloudinary.utils
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.transfer.upload_form import COMMON, UploadForm

SETTINGS = CloudinarySettings(cloud_name="cloud", api_key="1234", api_secret="a-secret")
VALUES = st.text(st.sampled_from("ab&=|%26 \\é絵"), min_size=1)


@pytest.fixture(params=[("sha1", 1), ("sha256", 2), ("sha1", "1")])
def signing(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """The algorithm and the version that the SDK is told to sign with."""
    algorithm, version = request.param
    cloudinary.config(signature_algorithm=algorithm, signature_version=version)
    yield algorithm, int(version)
    cloudinary.reset_config()


def test_the_signature_is_the_sdks(signing: tuple[str, int]) -> None:
    algorithm, version = signing
    form = UploadForm(SETTINGS)

    @given(VALUES, VALUES)
    def compared(public_id: str, context: str) -> None:
        fields = {**COMMON, "public_id": public_id, "context": context, "timestamp": "1790000000"}
        signed = cloudinary.utils.api_sign_request(
            fields, SETTINGS.api_secret, algorithm, signature_version=version
        )
        assert form.signature(public_id, context, "1790000000") == signed

    compared()


def test_the_fields_that_are_sent_are_those_that_are_signed() -> None:
    form = UploadForm(SETTINGS)
    opening, closing = form.around("folder/a&b", "storyboard_id=1|project_id=x")
    sent = fields_of(form.content_type, opening + b"the bytes" + closing)
    timestamp = sent["timestamp"]
    assert sent == {
        **COMMON,
        "public_id": "folder/a&b",
        "context": "storyboard_id=1|project_id=x",
        "timestamp": timestamp,
        "signature": form.signature("folder/a&b", "storyboard_id=1|project_id=x", timestamp),
        "api_key": SETTINGS.api_key,
        "file": "the bytes",
    }


def fields_of(content_type: bytes, body: bytes) -> dict[str, str]:
    """What a server reads."""
    sent = EnvironBuilder(method="POST", data=body, content_type=content_type.decode())
    with Request(sent.get_environ()) as request:
        return {**request.form.to_dict(), "file": request.files["file"].read().decode()}

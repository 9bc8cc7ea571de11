"""The form of an upload: its fields, signed as Cloudinary's SDK signs, around the image's bytes.

Most of it is the same for all uploads. The SDK writes the text to sign once, with gaps, and each
upload fills these. https://cloudinary.com/documentation/authentication_signatures
"""

import uuid

import cloudinary
import cloudinary.utils

from storyboard_worker.settings.cloudinary import CloudinarySettings

# Every asset of this program carries it, so that all of them can be found in the account.
TAG = "storyboard"
COMMON = {
    # After a lost answer the same image is uploaded again and replaces itself.
    "overwrite": "true",
    "tags": TAG,
}
# The fields that each upload has of its own, in the order in which they are signed.
OWN = ("context", "public_id", "timestamp")
# Stands for such a value. No setting holds it.
GAP = "\0"


class UploadForm:
    """For uploads to one account (RFC 7578)."""

    def __init__(self, settings: CloudinarySettings) -> None:
        signing = cloudinary.config()
        self._secret = settings.api_secret
        self._algorithm = signing.signature_algorithm
        # From an address it comes as text.
        version = 1 if str(signing.signature_version) == "1" else 2
        self._to_sign = _to_sign(version)
        # The second version of signatures escapes it in a value.
        self._ampersand = "&" if version == 1 else "%26"
        # Only Cloudinary sees the boundary, so no image can contain it on purpose. One serves for
        # all uploads.
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}".encode()
        self._gaps = _opening(boundary, settings.api_key).split(GAP)
        self._closing = f"\r\n--{boundary}--\r\n".encode()

    def around(self, public_id: str, context: str) -> tuple[bytes, bytes]:
        """The body of an upload before and after the image's bytes."""
        timestamp = str(cloudinary.utils.now())
        signature = self.signature(public_id, context, timestamp)
        before_context, before_id, before_timestamp, before_signature, rest = self._gaps
        opening = (
            f"{before_context}{context}{before_id}{public_id}"
            f"{before_timestamp}{timestamp}{before_signature}{signature}{rest}"
        )
        return opening.encode(), self._closing

    def signature(self, public_id: str, context: str, timestamp: str) -> str:
        """Of an upload with these values, beside :data:`COMMON`."""
        before_context, before_id, before_timestamp, rest = self._to_sign
        text = (
            f"{before_context}{context.replace('&', self._ampersand)}"
            f"{before_id}{public_id.replace('&', self._ampersand)}"
            f"{before_timestamp}{timestamp}{rest}{self._secret}"
        )
        signature: str = cloudinary.utils.compute_hex_hash(text, self._algorithm)
        return signature


def _to_sign(version: int) -> list[str]:
    """What is signed, between the values of an upload's own."""
    fields = COMMON | dict.fromkeys(OWN, GAP)
    text: str = cloudinary.utils.api_string_to_sign(fields, version)
    return text.split(GAP)


def _opening(boundary: str, api_key: str) -> str:
    delimiter = f"--{boundary}"
    fields = dict.fromkeys((*OWN, "signature"), GAP) | COMMON | {"api_key": api_key}
    parts = [
        f'{delimiter}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'{delimiter}\r\nContent-Disposition: form-data; name="file"; filename="image"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts)

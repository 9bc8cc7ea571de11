"""What Cloudinary refuses, and in which words.

Texts that a client may have to tell apart are those the real service answers; the others
follow its style.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from storyboard_worker.demo.cloudinary_context import read_context
from storyboard_worker.demo.cloudinary_signature import is_signed, string_to_sign
from storyboard_worker.demo.dimensions import dimensions_of
from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.multipart import Form, boundary_of, parse

MAX_REQUEST_BYTES = 100 * 1024 * 1024
# https://cloudinary.com/documentation/authentication_signatures: «valid for one hour».
TIMESTAMP_SECONDS = 3600


class Refused(Exception):
    """Answered with ``status`` and the message, as JSON and in ``X-Cld-Error``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def check_length(exchange: Exchange) -> None:
    """Before the body is read: it must say how long it is, and not be too long."""
    if exchange.is_chunked or exchange.declared_length is None:
        raise Refused(411, "Length Required")
    if exchange.declared_length > MAX_REQUEST_BYTES:
        raise Refused(413, f"Request too large. Maximum is {MAX_REQUEST_BYTES}.")


def read_form(content_type: str, body: bytearray) -> Form:
    boundary = boundary_of(content_type)
    if boundary is None:
        raise Refused(400, "Missing required parameter - file")
    try:
        return parse(body, boundary)
    except ValueError as error:
        raise Refused(400, f"Invalid multipart body: {error}") from error


def parameters_of(form: Form) -> dict[str, str]:
    """Lists (``name[]``) are signed as their values joined by commas."""
    return {name.removesuffix("[]"): ",".join(values) for name, values in form.fields.items()}


def check_signature(parameters: Mapping[str, str], api_key: str, api_secret: str) -> None:
    """Key, signature and the timestamp's age."""
    if parameters.get("api_key") != api_key:
        raise Refused(401, f"Invalid api_key {parameters.get('api_key', '')}".rstrip())
    if not parameters.get("signature"):
        raise Refused(400, "Upload preset must be specified when using unsigned upload")
    if not is_signed(parameters, api_secret):
        text = string_to_sign(parameters, 1)
        claimed = parameters["signature"]
        raise Refused(401, f"Invalid Signature {claimed}. String to sign - '{text}'.")
    _check_timestamp(parameters.get("timestamp", ""))


def check_context(parameters: Mapping[str, str]) -> None:
    """The ``context``, if there is one."""
    try:
        read_context(parameters.get("context", ""))
    except ValueError as error:
        raise Refused(400, f"Invalid context: {error}") from error


def _check_timestamp(timestamp: str) -> None:
    if not timestamp.isdecimal():
        raise Refused(400, "Missing required parameter - timestamp")
    if time.time() - int(timestamp) > TIMESTAMP_SECONDS:
        reported = datetime.fromtimestamp(int(timestamp), UTC)
        raise Refused(
            400,
            f"Stale request - reported time is {reported:%Y-%m-%d %H:%M:%S %z} "
            "which is more than 1 hour ago",
        )


def check_image(file: bytes | None, max_file_bytes: int) -> bytes:
    """The file, once it is known to be an image."""
    if file is None:
        raise Refused(400, "Missing required parameter - file")
    if not file:
        raise Refused(400, "Empty file")
    if len(file) > max_file_bytes:
        raise Refused(400, f"File size too large. Got {len(file)}. Maximum is {max_file_bytes}.")
    if dimensions_of(file) is None:
        raise Refused(400, "Invalid image file")
    return file

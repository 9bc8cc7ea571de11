"""Cloudinary's signatures, checked independently of its SDK.

https://cloudinary.com/documentation/authentication_signatures: all parameters but ``file``,
``cloud_name``, ``resource_type`` and ``api_key``, sorted, as ``name=value`` joined by ``&``;
the secret is appended; hex SHA-1, or SHA-256 where the account says so. Version 2 writes
``&`` inside a value as ``%26``, so that a value cannot pose as a parameter.
"""

import hashlib
import hmac
from collections.abc import Mapping

NOT_SIGNED = frozenset({"file", "cloud_name", "resource_type", "api_key", "signature"})
SHA256_HEX_DIGITS = 64


def string_to_sign(parameters: Mapping[str, str], version: int) -> str:
    """``parameters``: all that were sent; those that are not signed, or empty, are left out."""
    return "&".join(
        f"{name}={value.replace('&', '%26') if version > 1 else value}"
        for name, value in sorted(parameters.items())
        if name not in NOT_SIGNED and value
    )


def sign(text: str, api_secret: str, *, sha256: bool = False) -> str:
    """The hex digest of ``text`` with the secret behind it."""
    signed = (text + api_secret).encode()
    if sha256:
        return hashlib.sha256(signed).hexdigest()
    return hashlib.sha1(signed, usedforsecurity=False).hexdigest()


def is_signed(parameters: Mapping[str, str], api_secret: str) -> bool:
    """Whether ``parameters["signature"]`` is right, in either version and algorithm."""
    claimed = parameters["signature"]
    sha256 = len(claimed) == SHA256_HEX_DIGITS
    return any(
        hmac.compare_digest(
            claimed.encode(),
            sign(string_to_sign(parameters, version), api_secret, sha256=sha256).encode(),
        )
        for version in (1, 2)
    )

"""The API keys of a Supabase project: JSON web tokens that name a role.

https://supabase.com/docs/guides/api/api-keys
"""

import base64
import hashlib
import hmac
import json

SECRET = b"the-secret-of-a-project-that-exists-in-these-tests-alone"
ROLES = ("anon", "authenticated", "service_role")
HEADER = {"alg": "HS256", "typ": "JWT"}


class WrongKeyError(Exception):
    """The signature does not match, or the role is none of the project's."""


def api_key(role: str, secret: bytes = SECRET) -> str:
    signed = f"{_encoded(json.dumps(HEADER).encode())}.{_encoded(_claims(role))}"
    return f"{signed}.{_signature(signed, secret)}"


def role_of(authorization: str) -> str:
    """The role that a request's header ``Authorization`` gives; ``anon`` without one.

    Raises :class:`WrongKeyError`.
    """
    token = authorization.removeprefix("Bearer ")
    if not token:
        return "anon"
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _signature(signed, SECRET)):
        raise WrongKeyError
    payload = signed.partition(".")[2]
    role = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["role"]
    if role not in ROLES:
        raise WrongKeyError
    return str(role)


def _claims(role: str) -> bytes:
    return json.dumps({"role": role, "iss": "supabase"}).encode()


def _signature(signed: str, secret: bytes) -> str:
    return _encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

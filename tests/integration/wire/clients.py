"""The clients of the wire's tests."""

from collections.abc import Callable

import httpx

# Makes a client over a Transport with the settings given.
MakeClient = Callable[..., httpx.Client]

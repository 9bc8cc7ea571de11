"""The board of a demo that keeps running: its address, and the token that opens it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from storyboard_worker.settings.environment import Environment
from storyboard_worker.settings.reading import port_of
from storyboard_worker.web.server import listening_sockets

# Enough for a token that cannot be guessed, about which the worker does not warn.
TOKEN_BYTES = 16


@dataclass(frozen=True)
class DemoBoard:
    """The worker serves it. The token is another one each time."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_hex(TOKEN_BYTES), repr=False)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Self:
        """On PORT where that is set, else on a free port.

        Raises :class:`SettingsError` where PORT is no port or is taken.
        """
        return cls(_free(port_of(Environment(variables)) or 0))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def settings(self) -> dict[str, str]:
        """What the worker needs to serve it."""
        return {"PORT": str(self.port), "BOARD_TOKEN": self.token}


def _free(port: int) -> int:
    """``port`` if nothing listens on it; any such port for 0."""
    first, *others = listening_sockets(port)
    found: int = first.getsockname()[1]
    for listener in (first, *others):
        listener.close()
    return found

"""Where the demo's pictures lie: the good ones at one host, each planted fault at its own.

The worker judges an upstream by its host and port, so a fault of one panel would otherwise hold up
the others: a source that asks to wait 2 s delays all panels of its host.
"""

import errno
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from storyboard_worker.demo.origin import Origin

LOOPBACK = "127.0.0.1"
# The addresses of the faults follow: 127.0.0.2, 127.0.0.3 and so on.
FIRST_OF_FAULTS = 2


@dataclass(frozen=True)
class Sources:
    """One source for the good panels, and one for each planted fault, in their order."""

    good: Origin
    faulty: tuple[Origin, ...]

    @classmethod
    def start(cls, stack: ExitStack, fault_count: int) -> Self:
        """They serve until ``stack`` is closed."""
        hosts = range(FIRST_OF_FAULTS, FIRST_OF_FAULTS + fault_count)
        addresses = [LOOPBACK, *(f"127.0.0.{host}" for host in hosts)]
        good, *faulty = (_serving(stack, address) for address in addresses)
        return cls(good, tuple(faulty))

    def fix(self) -> None:
        """From now on each of them serves its pictures well."""
        for origin in self.faulty:
            origin.clear_faults()

    def in_words(self) -> str:
        own = ", ".join(origin.url.removeprefix("http://") for origin in self.faulty)
        return f"image source at {self.good.url}; of each planted fault at {own}"


def _serving(stack: ExitStack, address: str) -> Origin:
    origin = origin_at(address)
    stack.callback(origin.stop)
    return origin


def origin_at(address: str) -> Origin:
    """A source that listens at ``address``, already started.

    Where loopback has but one address (macOS), it listens there, at a port of its own.
    """
    origin = Origin(address=address)
    try:
        origin.start()
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        origin = Origin(address=LOOPBACK)
        origin.start()
    return origin

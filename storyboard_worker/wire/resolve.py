"""Host names to socket addresses, without an opinion on which of them may be used."""

import socket
from collections.abc import Callable

from storyboard_worker.exhaustion import lack_of_descriptors

# The address family, and what ``socket.connect`` takes for it.
SocketAddress = tuple[socket.AddressFamily, tuple[object, ...]]

# Called with host and port, answers what to try, in order. Raises OSError for an unknown host;
# anything else that it raises reaches whoever sent the request.
Resolver = Callable[[str, int], list[SocketAddress]]


def resolve_any(host: str, port: int) -> list[SocketAddress]:
    """Every TCP address of ``host``; raises :class:`socket.gaierror` when there is none, another
    :class:`OSError` when it could not look for want of a descriptor.

    The one wait of this package that no deadline bounds: the system's resolver cannot be
    interrupted. It has time-outs of its own (resolv.conf(5)).
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # A label that is empty or longer than 63 characters (RFC 1035, section 2.3.4).
        raise socket.gaierror(socket.EAI_NONAME, "the name cannot exist") from error
    except socket.gaierror as error:
        # It says that there is no such name when it could not open a file or a socket.
        lack = lack_of_descriptors()
        if lack is not None:
            raise lack from error
        raise
    return [(family, address) for family, _, _, _, address in found]

"""The guard against addresses that are not public (server-side request forgery).

A source URL comes from outside, and its host may lead anywhere: to a database next door, or
to the metadata service that hands out a cloud's keys. The guard judges the address behind the
name. A name is looked up once, and the connection goes to the address that was judged, because
a second look-up could be answered differently. Spellings such as ``0x7f.1`` need no care: the
guard judges what the system's resolver makes of them.

The tables follow IANA's registries of special-purpose addresses (RFC 6890). They are
written out here because what :mod:`ipaddress` calls global differs between versions of Python.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.wire.resolve import SocketAddress, resolve_any

PRIVATE_V4 = (
    IPv4Network("10.0.0.0/8"),  # RFC 1918
    IPv4Network("172.16.0.0/12"),  # RFC 1918
    IPv4Network("192.168.0.0/16"),  # RFC 1918
    IPv4Network("127.0.0.0/8"),  # loopback, RFC 1122
)
REFUSED_V4 = (
    IPv4Network("0.0.0.0/8"),  # this network, RFC 791; reaches this host on Linux
    IPv4Network("100.64.0.0/10"),  # shared by carriers, RFC 6598; metadata of Alibaba
    IPv4Network("168.63.129.16/32"),  # Azure's wire server, which looks public
    IPv4Network("169.254.0.0/16"),  # link-local, RFC 3927; metadata of most clouds
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; metadata of Oracle
    IPv4Network("192.0.2.0/24"),  # documentation, RFC 5737
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv4Network("198.18.0.0/15"),  # benchmarks, RFC 2544
    IPv4Network("198.51.100.0/24"),  # documentation, RFC 5737
    IPv4Network("203.0.113.0/24"),  # documentation, RFC 5737
    IPv4Network("224.0.0.0/4"),  # multicast, RFC 5771
    IPv4Network("240.0.0.0/4"),  # reserved, RFC 1112; limited broadcast, RFC 919
)

PRIVATE_V6 = (
    IPv6Network("::1/128"),  # loopback, RFC 4291
    IPv6Network("fc00::/7"),  # unique local, RFC 4193
)
# Unique local addresses at which clouds keep their metadata. They are refused like link-local.
METADATA_V6 = (
    IPv6Network("fd00:ec2::/32"),  # Amazon
    IPv6Network("fd00:c1::/32"),  # Oracle
    IPv6Network("fd20:ce::/32"),  # Google
)
# The range from which global unicast addresses are assigned (RFC 4291, section 2.5.4).
GLOBAL_V6 = IPv6Network("2000::/3")
REFUSED_V6 = (
    IPv6Network("2001::/23"),  # protocol assignments, RFC 2928; Teredo is judged earlier
    IPv6Network("2001:db8::/32"),  # documentation, RFC 3849
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
# Interface identifiers that an IPv4 address follows, with any prefix (ISATAP, RFC 5214,
# section 6.1).
ISATAP_IDENTIFIERS = frozenset({0x00005EFE, 0x02005EFE})


class PublicResolver:
    """Resolves hosts to the addresses that a source may have.

    ``allow_private`` adds private and loopback addresses (development).
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    def __call__(self, host: str, port: int) -> list[SocketAddress]:
        """The allowed addresses of ``host``, at least one, in the resolver's order.

        Raises :class:`AttemptError` with ``source_blocked`` when no address is allowed, and
        :class:`OSError` when the host has no address.
        """
        found = resolve_any(host, port)
        allowed = [
            (family, address)
            for family, address in found
            if is_allowed(str(address[0]), allow_private=self._allow_private)
        ]
        if not allowed:
            addresses = ", ".join(sorted({str(address[0]) for _, address in found}))
            raise AttemptError(
                ErrorCode.SOURCE_BLOCKED,
                f"the host {host} has no {'allowed' if self._allow_private else 'public'} "
                f"address (it leads to {addresses})",
                upstream=host,
            )
        return allowed


def is_allowed(address: str | IPv4Address | IPv6Address, *, allow_private: bool) -> bool:
    """Whether a source may have this address. Text that is no address is refused.

    An IPv6 address that only carries an IPv4 one is judged by that; one that has it behind a prefix
    of its own by both. A scope is of no account: it says through which interface, not to whom.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_allowed_v4(parsed, allow_private=allow_private)
    return _is_allowed_v6(parsed, allow_private=allow_private)


def _is_allowed_v4(address: IPv4Address, *, allow_private: bool) -> bool:
    if any(address in network for network in PRIVATE_V4):
        return allow_private
    return not any(address in network for network in REFUSED_V4)


def _is_allowed_v6(address: IPv6Address, *, allow_private: bool) -> bool:
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP_IDENTIFIERS:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if not _is_allowed_v4(inner, allow_private=allow_private):
            return False
    embedded = _embedded_v4(address)
    if embedded:
        return all(_is_allowed_v4(inner, allow_private=allow_private) for inner in embedded)
    if any(address in network for network in PRIVATE_V6):
        return allow_private and not any(address in network for network in METADATA_V6)
    return address in GLOBAL_V6 and not any(address in network for network in REFUSED_V6)


def _embedded_v4(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that may receive a packet for ``address``."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()

"""The addresses that a source may have."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.transfer.public_addresses import PublicResolver, is_allowed
from tests.support.special_addresses import NEVER, PRIVATE, PUBLIC


@pytest.mark.parametrize(
    ("address", "normally", "in_development"),
    [(address, True, True) for address in PUBLIC]
    + [(address, False, True) for address in PRIVATE]
    + [(address, False, False) for address in NEVER],
)
def test_which_addresses_are_allowed(address: str, *, normally: bool, in_development: bool) -> None:
    assert is_allowed(address, allow_private=False) is normally
    assert is_allowed(address, allow_private=True) is in_development


def test_parsed_addresses_are_judged_like_their_text() -> None:
    for text in [*PUBLIC, *PRIVATE]:
        parsed = ipaddress.ip_address(text)
        assert is_allowed(parsed, allow_private=False) is (text in PUBLIC)


@given(st.ip_addresses())
def test_no_address_is_allowed_that_python_knows_to_be_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    carries_another = isinstance(address, ipaddress.IPv6Address) and bool(
        address.ipv4_mapped
        or address.sixtofour
        or address.teredo
        or address in ipaddress.ip_network("64:ff9b::/96")
    )
    if is_allowed(address, allow_private=False) and not carries_another:
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(address=st.ip_addresses(v=4), allow_private=st.booleans())
def test_an_embedded_address_is_judged_like_the_address_alone(
    *, address: ipaddress.IPv4Address, allow_private: bool
) -> None:
    alone = is_allowed(address, allow_private=allow_private)
    for text in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_allowed(text, allow_private=allow_private) is alone


class Answers:
    """Stands in for the system's resolver, and counts its calls."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int, *, type: socket.SocketKind) -> list[object]:  # noqa: A002
        self.asked.append((host, port))
        return [
            (socket.AF_INET6, type, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, type, 6, "", (address, port))
            for address in self.addresses
        ]


def test_only_allowed_addresses_are_kept_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers("2606:4700::1111", "10.0.0.1", "8.8.8.8", "169.254.169.254")
    monkeypatch.setattr(socket, "getaddrinfo", answers)
    assert PublicResolver(allow_private=False)("images.test", 443) == [
        (socket.AF_INET6, ("2606:4700::1111", 443, 0, 0)),
        (socket.AF_INET, ("8.8.8.8", 443)),
    ]
    assert answers.asked == [("images.test", 443)], "asked twice, it could be answered otherwise"


def test_private_addresses_are_kept_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Answers("169.254.169.254", "10.0.0.1", "::1"))
    found = PublicResolver(allow_private=True)("images.test", 80)
    assert [address[0] for _, address in found] == ["10.0.0.1", "::1"]


@pytest.mark.parametrize("allow_private", [True, False])
def test_a_host_without_an_allowed_address_is_blocked(
    monkeypatch: pytest.MonkeyPatch, *, allow_private: bool
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Answers("169.254.169.254", "fe80::1"))
    with pytest.raises(AttemptError) as caught:
        PublicResolver(allow_private=allow_private)("images.test", 443)
    assert caught.value.code is ErrorCode.SOURCE_BLOCKED
    assert caught.value.upstream == "images.test"
    assert "images.test" in caught.value.message
    assert "169.254.169.254" in caught.value.message


@pytest.mark.parametrize(
    "spelling", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "::1", "localhost"]
)
def test_every_spelling_of_loopback_is_blocked(spelling: str) -> None:
    with pytest.raises(AttemptError, match="source_blocked"):
        PublicResolver(allow_private=False)(spelling, 443)
    assert PublicResolver(allow_private=True)(spelling, 443)


def test_an_unknown_host_stays_the_resolvers_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        PublicResolver(allow_private=False)("images.test", 443)


@pytest.mark.parametrize("host", ["a..localhost", "a" * 64 + ".localhost"])
def test_a_name_that_cannot_exist_is_unknown(host: str) -> None:
    with pytest.raises(socket.gaierror):
        PublicResolver(allow_private=False)(host, 443)

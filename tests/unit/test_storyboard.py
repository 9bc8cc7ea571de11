"""Derived names: the host of the upstream, and the public id."""

import hashlib
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.storyboard import Claim, host_of, public_id, storyboard_of

ID = UUID("0b6f7d5e-3c1a-4b8e-9f00-1234567890ab")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://images.example.com/a.png?x=1", "images.example.com"),
        ("HTTPS://Images.Example.COM/a.png", "images.example.com"),
        ("http://127.0.0.1:8080/a.png", "127.0.0.1"),
        ("https://user:password@images.example.com/a", "images.example.com"),
        ("https://[2001:db8::1]:443/a", "2001:db8::1"),
        ("https://images.example.com?x", "images.example.com"),
        ("https://xn--fsq.example/a", "xn--fsq.example"),
        ("/a.png", ""),
        ("", ""),
        ("https://[broken/a", ""),
        ("not a url", ""),
    ],
)
def test_the_host_is_lower_case_without_port_and_user(url: str, host: str) -> None:
    assert host_of(url) == host


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="%")))
def test_no_url_breaks_host_of(url: str) -> None:
    host = host_of(f"https://{url}")
    assert host == host.lower()
    assert "/" not in host


def test_a_claim_knows_its_host() -> None:
    claim = Claim(ID, uuid4(), "https://H.example:1/a?b", 1, 8, None, 0.0)
    assert claim.host == "h.example"


def test_the_public_id_is_the_contracts_formula() -> None:
    url = "https://images.example.com/panels/1.jpeg"
    digest = hashlib.sha256(url.encode()).hexdigest()[:10]
    assert public_id("storyboards", ID, url) == f"storyboards/{ID}-{digest}"


def test_signing_the_same_object_again_keeps_the_public_id() -> None:
    one = public_id("f", ID, "https://h/a.png?X-Tos-Date=1&X-Tos-Signature=x")
    assert one == public_id("f", ID, "https://h/a.png?X-Tos-Date=2&X-Tos-Signature=y")
    assert one == public_id("f", ID, "https://h/a.png")


def test_another_object_another_row_another_folder_has_another_public_id() -> None:
    ids = {
        public_id("f", ID, "https://h/a.png"),
        public_id("f", ID, "https://h/b.png"),
        public_id("f", UUID(int=1), "https://h/a.png"),
        public_id("g", ID, "https://h/a.png"),
    }
    assert len(ids) == 4


@pytest.mark.parametrize("folder", ["f", "team/storyboards", "ü, x"])
def test_a_public_id_tells_its_row(folder: str) -> None:
    assert storyboard_of(public_id(folder, ID, "https://h/a.png")) == ID


@pytest.mark.parametrize("other", ["", "logo", f"f/{ID}", f"f/{ID}-xyz", f"f/{ID}-0123456789a"])
def test_another_public_id_tells_none(other: str) -> None:
    assert storyboard_of(other) is None

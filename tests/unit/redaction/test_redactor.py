"""No query of a URL and no known secret survives the redactor."""

import string
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from storyboard_worker.redaction.redactor import Redactor, without_query
from storyboard_worker.redaction.secret_parameters import REDACTED
from tests.support.signed_links import LINKS, quotations, target_of

SIGNED = (
    "https://images.example.com/panels/1_0.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256"
    "&X-Tos-Credential=AKTPkey%2F20250910%2Ftos&X-Tos-Date=20250910T015921Z"
    "&X-Tos-Expires=86400&X-Tos-Signature=c0ffee&X-Tos-SignedHeaders=host"
)
SHOWN = "https://images.example.com/panels/1_0.jpeg"

# The characters of a query (RFC 3986, section 3.4), without the letters of the marker.
IN_QUERY = "".join(set(string.printable[:62]) - set("SECRET")) + "-._~!$&'()*+,;=:@/?%"
few = settings(max_examples=80, deadline=None)


@few
@given(st.text(IN_QUERY, max_size=30), st.text(IN_QUERY, max_size=30), st.text(max_size=20))
def test_no_query_survives_inside_a_text(before: str, after: str, around: str) -> None:
    assume("SECRET" not in around)
    text = f"{around} {SHOWN}?{before}SECRET{after} {around}"
    cleaned = Redactor().text(text)
    assert "SECRET" not in cleaned
    assert SHOWN in cleaned


@pytest.mark.parametrize(
    "frame",
    ["{}", "'{}'", '"{}"', "<{}>", "({})", 'GET "{}" 403', "b'{}'", "x={}\ny", "{}, {}", "URL:{}"],
)
def test_a_signed_url_keeps_scheme_host_and_path(frame: str) -> None:
    cleaned = Redactor().text(frame.replace("{}", SIGNED))
    assert SHOWN in cleaned
    assert "c0ffee" not in cleaned
    assert "AKTPkey" not in cleaned


def test_text_after_a_url_stays() -> None:
    assert Redactor().text(f"got 403 from {SIGNED} after 2 s") == f"got 403 from {SHOWN} after 2 s"


@pytest.mark.parametrize(
    "text",
    [
        "GET /panels/1_0.jpeg?X-Tos-Date=now&X-Tos-Signature=c0ffee HTTP/1.1",
        "/a.png?x=1&Signature=c0ffee",
        "/a.png?token=c0ffee",
        "X-Amz-Signature=c0ffee",
        "lost: x-goog-signature=c0ffee&x=1",
        "https%3A%2F%2Fh%2Fp%3FX-Tos-Signature%3Dc0ffee%26X-Tos-Credential%3Dc0ffee",
        "next=%3Fx%26X-Amz-Security-Token%3Dc0ffee",
    ],
)
def test_signed_parameters_go_without_their_url_too(text: str) -> None:
    assert "c0ffee" not in Redactor().text(text)


@pytest.mark.parametrize("kind", LINKS)
def test_no_quotation_of_a_signed_link_holds_its_signature(kind: str) -> None:
    target = target_of(kind, "c0ffeeC0FFEE")
    for text in [*quotations(target), f"https://h.example{target}", f"<https://h{target}>"]:
        cleaned = Redactor().text(f"403: {text}")
        assert "c0ffee" not in cleaned.lower(), text
        assert cleaned == Redactor().text(cleaned), text


@pytest.mark.parametrize(
    "text",
    [
        "sig=c0ffee%3D",
        "SIG=c0ffee",
        "X_Amz_Security_Token=c0ffee",
        "x-amz-security-token%3dc0ffee",
        "accessToken=c0ffee",
        "wsSecret=c0ffee&wsTime=1",
        "auth_key=c0ffee",
        "q-signature=c0ffee",
        "hdnts=exp=1~acl=/*~hmac=c0ffee",
        "/hdnts=exp=1~acl=/*~hmac=c0ffee/x.png",
        "url=/p%253Fsig%253Dc0ffee",
        "a%3Dsig%3Dc0ffee",
        r"said\nsig=c0ffee",
        r"a\u0026sig\u003dc0ffee\u003d",
        "a&#38;sig&#61;c0ffee",
        "Policy=c0ffeeC0FFEEc0ffeeC0FFEE",
        "?s=c0ffee0123456789c0ffee",
        "signed with s=c0ffee0123456789c0ffee",
        "a=b&s=c0ffee0123456789c0ffee",
        r"a=b\u0026s=c0ffee0123456789c0ffee",
        "a=b%26s%3Dc0ffee0123456789c0ffee",
        "a=b&amp;hm=c0ffee0123456789c0ffee",
        "a=b&sign=c0ffee0123456789c0ffee",
        "/demo/image/upload/s--c0ffee12--/v1/x.png",
        "%2Fupload%2Fs--c0ffee12--%2Fv1",
    ],
)
def test_the_value_after_a_name_of_a_secret_is_hidden(text: str) -> None:
    assert "c0ffee" not in Redactor().text(text).lower()


@pytest.mark.parametrize(
    "text",
    [
        "tokens=5 status=failed design=blue signal=9 assign=1 policy=hash",
        "error_code=source_unavailable upstream=images.example",
        "s=3 k=v id=5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a",
        "key=panels/2031/abc-0001.jpeg md5=c0ffee0123456789c0ffee",
        "/list?page=2&s=asc&verify=true",
        "?width=1024&key=panel.png",
        "?q=words-of-a-long-search&key=panels-of-the-storyboard",
        "token= sig= and nothing else",
        "this--is--plain s--x--y classes--and--more",
        "100%3D of it",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert Redactor().text(text) == text


def test_the_name_of_a_removed_value_stays() -> None:
    cleaned = Redactor().text("refused: x=1&Sig=c0ffee&y=2")
    assert cleaned == f"refused: x=1&Sig={REDACTED}&y=2"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app:hunter2@db.example.com:5432/postgres", "postgresql://db.example.com"),
        ("postgres://app:hunter2@db.example.com", "postgres://db.example.com"),
        ("cloudinary://key:hunter2@demo", "cloudinary://demo"),
        ("https://me:hunter2@h.example/a", "https://h.example/a"),
        ("postgresql://app:hun@ter2@db.example.com/x", "postgresql://db.example.com/x"),
        ("postgresql://app:hun'ter2@db.example.com/x", "postgresql://db.example.com/x"),
        ("://app:hunter2@db.example.com/x", "://db.example.com/x"),
        ("https://proxy.example/https://app:hunter2@h/x", "https://proxy.example/https://h/x"),
    ],
)
def test_user_info_goes(url: str, shown: str) -> None:
    cleaned = Redactor().text(f"cannot use {url}")
    assert cleaned.startswith(f"cannot use {shown}")
    assert "ter2" not in cleaned


def test_plain_text_stays_as_it_is() -> None:
    text = "Is it there? 3 of 4 bytes arrived: /tmp/x, host images.example.com, why?not"
    assert Redactor(["unrelated-secret"]).text(text) == text


def test_a_known_secret_is_removed_everywhere() -> None:
    redactor = Redactor(["hunter2!"])
    assert redactor.text("password=hunter2!; xhunter2!y") == (f"password={REDACTED}; x{REDACTED}y")


def test_a_secret_that_contains_another_goes_as_a_whole() -> None:
    assert Redactor(["abcdef", "abcdef-ghijkl"]).text("abcdef-ghijkl") == REDACTED


def test_very_short_secrets_do_not_blot_out_ordinary_words() -> None:
    assert Redactor(["the", ""]).text("the table") == "the table"


leaves = st.one_of(st.none(), st.integers(), st.booleans(), st.text(max_size=8))
dirty = st.sampled_from(
    [SIGNED, "key hunter2!", b"hunter2!", SIGNED.encode(), f"{SIGNED} hunter2!"]
)
structures = st.recursive(
    st.one_of(leaves, dirty),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=5), st.just(SIGNED)), inner, max_size=3),
    ),
    max_leaves=12,
)


@few
@given(structures)
def test_nothing_survives_in_a_structure_keys_included(structure: Any) -> None:
    shown = repr(Redactor(["hunter2!"]).structure(structure))
    assert "c0ffee" not in shown
    assert "hunter2!" not in shown


def test_a_structure_keeps_its_shape() -> None:
    before = {"a": [1, None, 2.5, True, ("x", SIGNED)], SIGNED: {"b": b"bytes"}}
    after = {"a": [1, None, 2.5, True, ["x", SHOWN]], SHOWN: {"b": "bytes"}}
    assert Redactor().structure(before) == after


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (SIGNED, SHOWN),
        ("https://h/p#fragment", "https://h/p"),
        ("https://h?x=/y@z", "https://h"),
        ("HTTPS://u:p@H:8443/p?x", "HTTPS://H:8443/p"),
        ("/path?x", "/path"),
        ("https://h/upload/s--c0ffee12--/p?x", f"https://h/upload/s--{REDACTED}--/p"),
        ("https://h/hdnts=exp=1~hmac=c0ffee/p", f"https://h/hdnts={REDACTED}"),
        ("", ""),
    ],
)
def test_without_query(url: str, shown: str) -> None:
    assert without_query(url) == shown

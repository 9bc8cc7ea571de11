"""A plain URL is asked for as httpx would ask for it, though httpx reads only its server."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.errors import AttemptError
from storyboard_worker.transfer.source_targets import PLAIN_URL, Targets
from storyboard_worker.wire.request import Target
from tests.support.signed_links import LINKS, target_of

SERVERS = (
    "https://images.example",
    "http://images.example:8080",
    "https://images.example:443",
    "http://127.0.0.1:9000",
    "https://[2001:db8::1]:8443",
    "https://IMAGES.example",
    "https://under_score.example",
    "https://xn--bcher-kva.example",
    "https://images.example.",
    "https://images..example",
    "https://1.2.3",
    "https://0x7f.1",
    "https://images.example:0",
    "https://images.example:99999",
    "https://:8080",
    "ftp://images.example",
)
TEXT = st.text(
    st.sampled_from("aZ09-._~!$&'()*+,;=:@/?%#[]{}|\\^`\"<> \t\n\u00e9\u4e16"), max_size=12
)


def asked_for(url: str) -> Target | str:
    """What :class:`Targets` makes of ``url``."""
    try:
        return Targets(allowed_hosts=(), allow_http=True).checked(url, "images.example")
    except AttemptError as error:
        return error.message


def parsed(url: str) -> Target | str:
    """The same with httpx reading all of it."""
    try:
        return Targets(allowed_hosts=(), allow_http=True)._parsed(url, "images.example")
    except AttemptError as error:
        return error.message


@settings(max_examples=2_000, deadline=None)
@given(st.sampled_from(SERVERS), TEXT, TEXT)
def test_any_url_is_asked_for_as_httpx_reads_it(server: str, path: str, query: str) -> None:
    for url in (f"{server}/{path}?{query}", f"{server}{path}", f"{server}?{query}"):
        assert asked_for(url) == parsed(url), url


@pytest.mark.parametrize("kind", LINKS)
def test_signed_links_are_plain(kind: str) -> None:
    url = f"https://images.example{target_of(kind)}"
    assert PLAIN_URL.fullmatch(url) is not None
    target = asked_for(url)
    assert isinstance(target, Target)
    assert target.path_and_query == httpx.URL(url).raw_path
    assert url.endswith(target.path_and_query.decode())


def test_a_server_is_refused_each_time_that_it_is_named() -> None:
    targets = Targets(allowed_hosts=("images.example",), allow_http=False)
    for url in ("https://other.example/a", "http://images.example/a"):
        for _ in range(2):
            with pytest.raises(AttemptError) as caught:
                targets.checked(url, "named")
            assert (caught.value.code, caught.value.upstream) == ("source_blocked", "named")

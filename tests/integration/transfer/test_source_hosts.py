"""Which addresses are asked, and the errors of those that do not answer."""

import socket
from typing import Any

import pytest

from storyboard_worker.demo.faults import CloseBeforeAnswer
from storyboard_worker.transfer.public_addresses import PublicResolver
from tests.support.stage import Stage, transport


def test_plain_http_is_blocked_unless_allowed(stage: Stage, small_image: bytes) -> None:
    stage.use(allow_http=False)
    error = stage.source_failure(stage.serve(small_image))
    assert error.code == "source_blocked"
    assert stage.origin.requests == []


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher", "data", "ws"])
def test_other_schemes_are_blocked(stage: Stage, scheme: str) -> None:
    assert stage.source_failure(f"{scheme}://127.0.0.1/a.jpg").code == "source_blocked"


@pytest.mark.parametrize("user", ["user:password@", "user@", ":password@"])
def test_user_info_is_blocked(stage: Stage, small_image: bytes, user: str) -> None:
    url = stage.serve(small_image).replace("://", f"://{user}")
    error = stage.source_failure(url)
    assert error.code == "source_blocked"
    assert "password@" not in error.message
    assert stage.origin.requests == []


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http:///a.jpg",
            "http://127.0.0.1:port/a",
            "/a.jpg",
            "https://xn--/a",
            "https://xn--a/b",
        ),
        *("http://127.0.0.1:-1/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/"),
        *("http://../a", "http://./a", "http://%/a", "http://a..test/", "http://%31.test/"),
        *(f"http://{'a' * 64}.test/", "http://[::1%25eth0]/", "http://[::zz]/", "http://a b.test/"),
        *("http://a,b.test/", "http://a;b.test/", "http://.test/"),
    ],
)
def test_text_that_is_no_url_is_blocked(stage: Stage, url: str) -> None:
    assert stage.source_failure(url).code == "source_blocked"


def test_a_loopback_address_is_blocked_where_private_ones_are(
    stage: Stage, small_image: bytes
) -> None:
    stage.use(transport(PublicResolver(allow_private=False)))
    error = stage.source_failure(stage.serve(small_image))
    assert error.code == "source_blocked"
    assert stage.origin.requests == []


@pytest.mark.parametrize(
    ("pattern", "host"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "LocalHost"), ("*.localhost", "panels.localhost")],
)
def test_a_host_that_fits_source_hosts_is_asked(
    stage: Stage,
    small_image: bytes,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    host: str,
) -> None:
    answer_all_names_with_loopback(monkeypatch)
    stage.use(allowed_hosts=("other.invalid", pattern))
    stored = stage.copy(stage.serve(small_image).replace("127.0.0.1", host))
    assert stored.bytes == len(small_image)


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("*.localhost", "localhost"),
        ("*.localhost", "notlocalhost"),
        ("localhost", "panels.localhost"),
        ("localhost", "localhost.invalid"),
        ("panels.localhost", "127.0.0.1"),
    ],
)
def test_a_host_that_does_not_fit_is_blocked(
    stage: Stage,
    small_image: bytes,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    host: str,
) -> None:
    answer_all_names_with_loopback(monkeypatch)
    stage.use(allowed_hosts=(pattern,))
    error = stage.source_failure(stage.serve(small_image).replace("127.0.0.1", host))
    assert error.code == "source_blocked"
    assert "SOURCE_HOSTS" in error.message
    assert stage.origin.requests == []


def test_an_international_name_fits_in_its_form_in_dns(
    stage: Stage, small_image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_all_names_with_loopback(monkeypatch)
    stage.use(allowed_hosts=("xn--bcher-kva.localhost",))
    url = stage.serve(small_image).replace("127.0.0.1", "xn--bcher-kva.localhost")
    assert stage.copy(url).bytes == len(small_image)


def test_an_unknown_host_is_unavailable(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def know_no_host(host: str, *rest: Any, **options: Any) -> Any:
        if host == "images.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **options)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", know_no_host)
    error = stage.source_failure("http://images.invalid/a.jpg?X-Tos-Signature=c0ffee")
    assert (error.code, error.upstream) == ("source_unavailable", "images.invalid")
    assert "c0ffee" not in error.message


def test_a_refused_connection_is_unavailable(stage: Stage) -> None:
    with socket.socket() as bound:
        # It is bound, so that no other process can take the port, but does not listen.
        bound.bind(("127.0.0.1", 0))
        error = stage.source_failure(f"http://127.0.0.1:{bound.getsockname()[1]}/a.jpg")
    assert error.code == "source_unavailable"


def test_a_connection_that_is_not_taken_is_a_timeout(hasty_stage: Stage) -> None:
    with socket.socket() as busy, socket.socket() as first:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        # The only place in the queue is taken, so Linux lets further connections wait.
        first.connect(busy.getsockname())
        error = hasty_stage.source_failure(f"http://127.0.0.1:{busy.getsockname()[1]}/a.jpg")
    assert error.code == "source_timeout"


def test_a_connection_closed_before_the_answer_is_unavailable(
    stage: Stage, small_image: bytes
) -> None:
    error = stage.source_failure(stage.serve(small_image, [CloseBeforeAnswer()]))
    assert error.code == "source_unavailable"


def answer_all_names_with_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up outside of this machine."""
    real = socket.getaddrinfo

    def look_up(_host: str, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1", *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

"""Redirects: at most three, each checked like the first address."""

import ssl

import pytest

from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from storyboard_worker.transfer.public_addresses import PublicResolver
from storyboard_worker.transfer.source_targets import Targets
from storyboard_worker.wire.dialing import VerifyingTls
from storyboard_worker.wire.resolve import SocketAddress
from storyboard_worker.wire.transport import Transport
from tests.support.replies import head, reply
from tests.support.stage import Stage, transport


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status, b"moved", {"Location": location})


def chain(stage: Stage, image: bytes, redirects: int) -> str:
    """The URL of the first of so many redirects. The last one leads to the image."""
    url = stage.serve(image, name="target.jpg")
    for number in range(redirects):
        url = stage.serve(b"", [redirect(url)], name=f"redirect-{number}")
    return url


@pytest.mark.parametrize("redirects", [0, 1, 2, 3])
def test_up_to_three_redirects_are_followed(
    stage: Stage, small_image: bytes, redirects: int
) -> None:
    stored = stage.copy(chain(stage, small_image, redirects))
    assert stored.bytes == len(small_image)
    assert len(stage.origin.requests) == redirects + 1


def test_a_fourth_redirect_is_refused(stage: Stage, small_image: bytes) -> None:
    error = stage.source_failure(chain(stage, small_image, 4))
    assert error.code == "source_rejected"
    assert len(stage.origin.requests) == 4


def test_a_loop_ends(stage: Stage) -> None:
    stage.origin.put("loop.jpg", b"")
    url = stage.origin.sign("loop.jpg")
    stage.origin.put("loop.jpg", b"", faults=[redirect(url)] * 9)
    assert stage.source_failure(url).code == "source_rejected"
    assert len(stage.origin.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_followed(stage: Stage, small_image: bytes, status: int) -> None:
    target = stage.serve(small_image, name="target.jpg")
    url = stage.serve(b"", [redirect(target, status)], name="first.jpg")
    assert stage.copy(url).bytes == len(small_image)


def test_a_relative_target_is_followed(stage: Stage, small_image: bytes) -> None:
    target = stage.serve(small_image, name="folder/target.jpg")
    relative = target.removeprefix(stage.origin.url)
    url = stage.serve(b"", [redirect(relative)], name="folder/first.jpg")
    assert stage.copy(url).bytes == len(small_image)


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        (b"{origin}/a?", b"/a?"),
        (b"{origin}/a;", b"/a;"),
        (b"{origin}/a?b=c;", b"/a?b=c;"),
        (b"{origin}/a%2Fb%7e?x=%2f&y=+", b"/a%2Fb%7e?x=%2f&y=+"),
        (b"{origin}/a\xe9?\xe9", b"/a%E9?%E9"),
        ("{origin}/\u00e9".encode(), b"/%C3%A9"),
        (b"{origin}/a b", b"/a%20b"),
        (b"{origin}/a?b#c", b"/a?b"),
        (b" {origin}/a? ", b"/a?"),
        (b"/a?", b"/a?"),
        (b"/a;?", b"/a;?"),
        (b"a;", b"/folder/a;"),
        (b"?x=1?", b"/folder/first.jpg?x=1?"),
        (b"../a", b"/a"),
        (b"//{authority}/a?", b"/a?"),
    ],
)
def test_a_target_is_asked_for_unchanged(stage: Stage, location: bytes, asked: bytes) -> None:
    origin = stage.origin.url.encode()
    authority = origin.partition(b"//")[2]
    location = location.replace(b"{origin}", origin).replace(b"{authority}", authority)
    targets = Targets(allowed_hosts=(), allow_http=True)
    first = targets.checked(f"{stage.origin.url}/folder/first.jpg?signature", "127.0.0.1")
    target = targets.redirected(first, reply(head({"location": location}, 302)), "127.0.0.1")
    assert (target.path_and_query, target.authority) == (asked, authority)


@pytest.mark.parametrize("headers", [{}, {"Location": ""}, {"Location": "  "}])
def test_a_redirect_without_a_target_is_refused(stage: Stage, headers: dict[str, str]) -> None:
    error = stage.source_failure(stage.serve(b"", [Answer(302, b"", headers)]))
    assert (error.code, error.http_status) == ("source_rejected", 302)


@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/a.jpg",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://127.0.0.1:notaport/",
        "http://user:password@127.0.0.1/a.jpg",
        f"http://{'a.' * 127}/a.jpg",
        f"http://127.0.0.1/{'a' * 16_400}",
        # The target itself is too long, or the whole URL is.
        f"{'../' * 6_000}a.jpg",
        f"/{'a' * 16_375}",
        f"/{'=X-Tos-' * 9_000}",
        f"http://{'=X-Tos-' * 9_000}",
    ],
    ids=lambda location: location[:40],
)
def test_a_target_that_is_not_allowed_is_blocked(stage: Stage, location: str) -> None:
    error = stage.source_failure(stage.serve(b"", [redirect(location)]))
    assert error.code == "source_blocked"
    assert len(error.message) < 100
    assert len(stage.origin.requests) == 1


def test_the_longest_allowed_target_is_followed(stage: Stage, small_image: bytes) -> None:
    target = stage.serve(small_image, name="target.jpg")
    # The stand-in refuses the signature of a URL to which something was added.
    url = stage.serve(b"", [redirect(f"{target}&x=".ljust(16_384, "x"))], name="first.jpg")
    assert stage.source_failure(url).code == "source_forbidden"
    assert len(stage.origin.requests) == 2


def test_a_redirect_from_https_to_http_is_blocked(
    stage: Stage, tls: tuple[ssl.SSLContext, VerifyingTls], small_image: bytes
) -> None:
    server_tls, trusting_tls = tls
    client = Transport(
        resolve=PublicResolver(allow_private=True),
        tls=trusting_tls,
        connect_timeout_seconds=5,
        read_timeout_seconds=5,
    )
    stage.use(client, allow_http=False)
    plain = stage.serve(small_image)
    with Origin(tls=server_tls) as secure:
        secure.put("first.jpg", b"", faults=[redirect(plain)])
        error = stage.source_failure(secure.sign("first.jpg"))
    assert error.code == "source_blocked"
    assert "http" in error.message
    assert stage.origin.requests == []


def test_a_redirect_to_another_host_must_fit_source_hosts(stage: Stage, small_image: bytes) -> None:
    stage.use(allowed_hosts=("127.0.0.1",))
    target = stage.serve(small_image).replace("127.0.0.1", "localhost")
    url = stage.serve(b"", [redirect(target)], name="first.jpg")
    error = stage.source_failure(url)
    assert error.code == "source_blocked"
    assert "localhost" in error.message
    assert len(stage.origin.requests) == 1


def guarded_but_for_the_first(host: str, port: int) -> list[SocketAddress]:
    """The real guard; only the stand-in's spelling of loopback counts as public."""
    return PublicResolver(allow_private=host == "127.0.0.1")(host, port)


def test_a_redirect_to_a_private_address_is_blocked(stage: Stage, small_image: bytes) -> None:
    stage.use(transport(guarded_but_for_the_first))
    target = stage.serve(small_image).replace("127.0.0.1", "localhost")
    url = stage.serve(b"", [redirect(target)], name="first.jpg")
    error = stage.source_failure(url)
    assert error.code == "source_blocked"
    assert error.upstream == "127.0.0.1"
    assert len(stage.origin.requests) == 1

"""No fault of an upstream sends a secret to Sentry, the logs, or the table."""

import io
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from storyboard_worker.demo import faults
from storyboard_worker.demo.faults import Answer, SourceFault, StorageFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.demo.pictures import random_image
from tests.integration.secrecy.leaks import IMAGE, assert_nothing_leaked
from tests.support.attempting import Bench
from tests.support.sentry_server import SentryServer
from tests.support.signed_links import LINKS, quotations, target_of
from tests.support.stage import Stage

IMAGE_OF_LINKS = random_image(5_000, "JPEG", seed=4)
NEVER = threading.Event()


def in_short(fault: object) -> str:
    status = getattr(fault, "status", "")
    return f"{getattr(fault, '__name__', type(fault).__name__)}{status}"


SOURCE_FAULTS: list[SourceFault] = [
    *(Answer(status, b"no") for status in (206, 401, 403, 404, 408, 418, 429, 500, 503)),
    Answer(204),
    Answer(302, b"", {"Location": "http://127.0.0.1:1/a?X-Tos-Signature=other"}),
    Answer(302, b"", {"Location": "ftp://user:password@127.0.0.1/a"}),
    Answer(302),
    faults.Chunked(breaks_off_at_bytes=300_000),
    faults.CloseBeforeAnswer(),
    faults.CutFile(300_000),
    faults.Encoded(),
    faults.Hang(NEVER),
    faults.Hang(NEVER, "in_body"),
    faults.ResetInBody(300_000),
    faults.ServeBytes(b"<html>"),
    faults.Truncate(300_000),
    faults.WrongLength(599_999),
]


@pytest.mark.parametrize("fault", SOURCE_FAULTS, ids=in_short)
def test_no_fault_of_the_source_leaks(
    bench: Bench, sentry: SentryServer, logged: io.StringIO, fault: SourceFault
) -> None:
    url = bench.stage.serve(IMAGE, [fault])
    assert bench.run(bench.claim(url, max_attempts=1)).error is not None
    assert_nothing_leaked(bench, sentry, logged, url)


def echo(stage: Stage) -> Answer:
    """An upstream that repeats the signed URL, in JSON and in a header."""
    words = f"cannot fetch '{stage.origin.sign('panel.jpg')}'"
    return Answer(400, {"error": {"message": words}}, {"X-Cld-Error": words})


STORAGE_FAULTS: list[StorageFault | Callable[[Stage], StorageFault]] = [
    *(Answer(status, {"error": {"message": "no"}}) for status in (400, 401, 409, 413, 420, 500)),
    Answer(502, "<html>"),
    faults.AlterAnswer(without=("secure_url",)),
    faults.AlterAnswer(changed={"etag": "0"}),
    faults.AnswerEarly(429),
    faults.CloseBeforeAnswer(),
    faults.Hang(NEVER),
    faults.LoseAnswer(),
    faults.StoreInstead(random_image(5_000, "JPEG", seed=3)),
    echo,
]


@pytest.mark.parametrize("fault", STORAGE_FAULTS, ids=in_short)
def test_no_fault_of_the_storage_leaks(
    bench: Bench,
    sentry: SentryServer,
    logged: io.StringIO,
    fault: StorageFault | Callable[[Stage], StorageFault],
) -> None:
    url = bench.stage.serve(IMAGE)
    bench.stage.cloudinary.misbehave(
        fault if isinstance(fault, StorageFault) else fault(bench.stage)
    )
    assert bench.run(bench.claim(url, max_attempts=1)).error is not None
    assert_nothing_leaked(bench, sentry, logged, url)


@pytest.mark.parametrize("kind", LINKS)
def test_no_kind_of_link_leaks(
    bench: Bench,
    sentry: SentryServer,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """Links are refused by the source, redirected, and repeated by the storage in many ways."""
    monkeypatch.setattr(Origin, "_check_signature", lambda _origin, _request: None)
    target = target_of(kind)
    url = f"{bench.stage.origin.url}{target}"
    path = target.partition("?")[0]
    elsewhere = {"Location": f"ftp://images.example{target}"}
    faults = [Answer(403), Answer(302, b"", elsewhere)]
    bench.stage.origin.put(path[1:], IMAGE_OF_LINKS, faults=faults)
    # Every other link, beginning with each in turn. The redactor's own test has all of them.
    said = quotations(target)[list(LINKS).index(kind) % 2 :: 2]
    for words in said:
        bench.stage.cloudinary.misbehave(Answer(400, {"error": {"message": f"no: {words}"}}))
    outcomes = [bench.run(bench.claim(url, max_attempts=1)) for _ in range(len(faults) + len(said))]
    codes = Counter(str(ended.error.code) for ended in outcomes if ended.error is not None)
    assert codes == {
        "source_forbidden": 1,
        "source_blocked": 1,
        "storage_rejected": len(said),
    }
    assert_nothing_leaked(bench, sentry, logged, url)

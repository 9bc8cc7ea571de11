"""The whole catalogue of faults, each in every form in which it could reveal a secret."""

import threading
from collections.abc import Sequence

from storyboard_worker.demo import faults
from storyboard_worker.demo.faults import Answer, SourceFault, StorageFault
from storyboard_worker.demo.pictures import random_image

NEVER = threading.Event()
# Entries of the catalogue that are no fault.
FAMILIES = {"SourceFault", "StorageFault", "StoredObject"}
REDIRECT_SIGNATURE = "redirect-signature-0123456789"
REDIRECT_PASSWORD = "redirect-hunter2"


def echo(status: int, words: str) -> Answer:
    """An upstream that repeats what it was sent, in every possible place."""
    headers = {"X-Cld-Error": words, "X-Request-Id": words, "Retry-After": words}
    return Answer(status, {"error": {"message": f"refused: {words}"}}, headers)


def source_faults(words: Sequence[str]) -> Sequence[SourceFault]:
    """Each fault is for a row of its own.

    ``words`` are texts that an upstream could repeat. They come one at a time, because long texts
    are cut.
    """
    target = f"http://127.0.0.1:1/a?X-Tos-Signature={REDIRECT_SIGNATURE}"
    return [
        *(Answer(status, b"no") for status in (204, 206, 401, 403, 404, 408, 418, 429, 500, 503)),
        *(echo(status, said) for status in (401, 403, 404, 429, 503) for said in words),
        Answer(302, b"", {"Location": target}),
        Answer(302, b"", {"Location": f"ftp://user:{REDIRECT_PASSWORD}@127.0.0.1/a"}),
        Answer(302),
        faults.Chunked(breaks_off_at_bytes=3_000),
        faults.CloseBeforeAnswer(),
        faults.CutFile(3_000),
        faults.Drip(1, 0.2),
        # It is above the slowest allowed pace, and still too slow for the attempt's time.
        faults.Drip(1_000, 0.17),
        faults.Encoded(),
        faults.Hang(NEVER),
        faults.Hang(NEVER, "in_body"),
        faults.NoLength(),
        faults.ResetInBody(3_000),
        faults.ServeBytes(b"<html>"),
        faults.Truncate(3_000),
        faults.WrongLength(19_999),
    ]


def storage_faults(words: Sequence[str]) -> Sequence[StorageFault]:
    """Each for one upload; ``words`` as above."""
    return [
        *(echo(status, "no") for status in (400, 401, 403, 409, 413, 420, 500)),
        *(echo(status, said) for status in (400, 401, 420, 500) for said in words),
        *(Answer(502, f"<html>{said}") for said in words),
        faults.AlterAnswer(without=("secure_url",)),
        faults.AlterAnswer(changed={"etag": "0"}),
        *(faults.AlterAnswer(changed={"public_id": said}) for said in words),
        faults.AnswerEarly(429),
        faults.AnswerEarly(500, abruptly=True),
        faults.CloseBeforeAnswer(),
        faults.Hang(NEVER),
        faults.Hang(NEVER, "in_body"),
        faults.Hang(NEVER, "after_storing"),
        faults.LoseAnswer(),
        faults.StoreInstead(random_image(5_000, "JPEG", seed=3)),
    ]


def kinds(planted: Sequence[object]) -> set[str]:
    """The names under which they are in the catalogue."""
    return {type(fault).__name__ for fault in planted}


def catalogue() -> set[str]:
    return set(faults.__all__) - FAMILIES

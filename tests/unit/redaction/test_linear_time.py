"""Code for foreign text takes twice the time for twice the text, and not four times.

``re`` holds the interpreter while it searches. An expression that tries again from each place of a
hundred kilobytes would stop the whole process for half a minute.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import click
import httpx
import pytest

from storyboard_worker.cli.arguments import ProjectId, check_url
from storyboard_worker.cli.output import table_lines
from storyboard_worker.database.moments import _nearest_end
from storyboard_worker.database.refusals import REFUSED
from storyboard_worker.database.translation import one_line
from storyboard_worker.errors import AttemptError
from storyboard_worker.logs import ConsoleFormatter, JsonFormatter
from storyboard_worker.queries.columns import storable
from storyboard_worker.queries.drift import in_one_line
from storyboard_worker.redaction.redactor import Redactor, without_query
from storyboard_worker.reporting.traces import _continued
from storyboard_worker.storyboard import Claim, host_of, public_id
from storyboard_worker.transfer.images import ImageType, structure_of
from storyboard_worker.transfer.retry_after import retry_after_seconds
from storyboard_worker.transfer.source_targets import Targets
from storyboard_worker.transfer.storage_answers import _json_object, _reason, as_one_line
from storyboard_worker.transfer.storage_exchange import StorageAnswer, _content
from storyboard_worker.wire.answer import Answer, body_length
from tests.support.replies import head, reply

# Twice as much is still uncut for all of them. The smallest limit is that of a redirect's target.
LENGTH = 8_000
# Copying bytes is quick, so it takes more of them to be noticed.
BODY_LENGTH = 450_000
RUNS = 2
MOST_GROWTH = 2.5
# For one measurement. A time that grows with the square takes far more.
FLOOR_SECONDS = 0.004
# Other processes spoil some measurements, but not all of these.
MEASUREMENTS = 3

SECRETS = ["hunter2!", "a" * 40, "=X-Tos-=X-Tos-!"]
UUID_0 = UUID(int=0)
REFUSALS = (AttemptError, httpx.RemoteProtocolError, click.UsageError, click.BadParameter)


def redirected(location: str) -> None:
    targets = Targets(allowed_hosts=(), allow_http=False)
    asked = targets.checked("https://images.example/a/b.jpeg?c", "images.example")
    targets.redirected(asked, reply(head({"location": location}, 302)), "images.example")


def source_url(text: str) -> None:
    targets = Targets(allowed_hosts=(), allow_http=False)
    with suppress(AttemptError):
        targets.checked(f"https://images.example/{text}?{text}", "images.example")
    targets.checked(f"https://{text}", "images.example")


def answer_head(text: str) -> None:
    fields = f"connection: {text}\r\ncontent-length: {text}"
    arriving = iter([f"HTTP/1.1 200 {text}\r\n{fields}\r\n\r\n".encode()])
    found = Answer(lambda _limit: next(arriving, b"")).read_head()
    assert found.keeps_alive in {True, False}
    body_length("GET", found)


def answer_body(text: str) -> None:
    content = text.encode()
    chunks = (content[at : at + 64] for at in range(0, len(content), 64))
    assert _content(reply(head({}, 400), chunks)) == content


def image(text: str) -> None:
    """Read the text as an image, in chunks that cut markers and headers apart."""
    content = text.encode("latin-1")
    for image_type in ImageType:
        structure = structure_of(image_type)
        for at in range(0, len(content), 61):
            structure.feed(content[at : at + 61])


def refused_upload(text: str) -> None:
    answer = StorageAnswer(head({"x-cld-error": text}, 400), b"")
    for fields in ({}, {"error": {"message": text}}):
        as_one_line(Redactor(SECRETS).text(_reason(answer, fields)))
    _json_object(text.encode())


def log_line(formatter: logging.Formatter, text: str) -> None:
    record = logging.LogRecord("library", logging.WARNING, "", 0, "said %s", (text,), None)
    record.facts = {"reason": text, "url": f"https://h/?{text}"}
    formatter.format(record)


def trace(text: str) -> None:
    _continued(Claim(UUID_0, UUID_0, "https://h/", 1, 1, None, 0.0, None, text, text))


def console_line(text: str) -> None:
    log_line(ConsoleFormatter(Redactor(SECRETS)), text)


def json_line(text: str) -> None:
    log_line(JsonFormatter(Redactor(SECRETS)), text)


READERS: dict[str, Callable[[str], object]] = {
    "redaction": Redactor(SECRETS).text,
    "redaction of a structure": lambda text: Redactor().structure({text: [text.encode()]}),
    "a URL without its query": without_query,
    "an error's message": storable,
    "a line of the log": json_line,
    "a line on a terminal": console_line,
    "a URL's host": host_of,
    "an image's public id": lambda text: public_id("folder", UUID_0, text),
    "an argument URL": lambda text: check_url(text, "URL 1"),
    "an argument --project": lambda text: ProjectId().convert(text, None, None),
    "a redirect": redirected,
    "a source's URL": source_url,
    "an answer's head": answer_head,
    "Retry-After": lambda text: retry_after_seconds(head({"retry-after": text})),
    "Date": lambda text: retry_after_seconds(
        head({"retry-after": "Sat, 1 Jan 2000", "date": text})
    ),
    "Cloudinary's refusal": refused_upload,
    "a producer's trace": trace,
    "a refusal of the database": REFUSED.search,
    "an error of the database": lambda text: one_line(Exception(text)),
    "a moment": _nearest_end,
    "a function in the database": in_one_line,
    "a cell of a table": lambda text: table_lines([[text, "x"]], 80),
}

# Repeated texts, for each place from which an expression may try again.
REPEATED = {
    "X-Tos-, an = in front": ("=", "X-Tos-", ""),
    "X-Tos-, all quoted": ("%3F", "X-Goog-a", "%3"),
    "parameters": ("https://h/?", "&X-Amz-Date=1", ""),
    "queries": ("", "?", "="),
    "queries that may be signed": ("=", "?signature", ""),
    "signatures": ("?", "xsignature=", ""),
    "URLs": ("", "a://", "=?"),
    "schemes": ("", "a.", " ://"),
    "users": ("https://", "a:b@", ""),
    "colons": ("https://", ":", "@"),
    "brackets": ("https://[", "[", "]"),
    "labels": ("https://", "a.", "/"),
    "international labels": ("https://", "ü.", "/"),
    "marks out of order": ("https://a", "\u0301\u0323", "/"),
    "steps up": ("/", "../", "a"),
    "percent signs": ("https://h/", "%4", "!"),
    "blanks": ("", " ", "x"),
    "tabs": ("", "\t", "x"),
    "roles": ("", "role ", ""),
    "digits": ("", "7", "x"),
    "minutes": ("", "0:", "x"),
    "commas": ("", "a=b,", ";"),
    "secrets, but for their end": ("", "hunter2", ""),
    "letters": ("", "a", "\0"),
}

# The same for expressions of the redactor alone.
SIGNED = {
    "names, and no end": ("", "a-", ""),
    "names of humps": ("", "aA", "="),
    "assignments": ("", "a=", ""),
    "assignments of secrets": ("", "sig=", ""),
    "assignments that may be": ("", "&s=c0ffee", ""),
    "quoted names": ("", "%26s", "%3D"),
    "quoted many times": ("=%", "25", "3D"),
    "equals signs": ("", "%3D", ""),
    "in JSON": ("=", r"\u0026", ""),
    "in HTML": ("=", "&amp;", ""),
    "references": ("", "&#61", ";"),
    "in the path": ("", "/s--aaaa", "--"),
    "dashes": ("s--", "a-", "/"),
    "escapes in a URL": ("https://", r"\u003f", "?"),
}


def assert_linear(
    read: Callable[[str], object], before: str, part: str, after: str, *, length: int
) -> None:
    once, twice = 0.0, 0.0
    for _ in range(MEASUREMENTS):
        once, twice = (
            least_seconds(read, before + part * (times * length // len(part)) + after)
            for times in (1, 2)
        )
        if twice <= MOST_GROWTH * once + FLOOR_SECONDS:
            return
    raise AssertionError(f"{once:.4f} s, then {twice:.4f} s")


def least_seconds(read: Callable[[str], object], text: str) -> float:
    """The time of this thread on the processor, on which other processes have little effect."""
    measured = []
    for _ in range(RUNS):
        began = time.thread_time()
        with suppress(*REFUSALS):
            read(text)
        measured.append(time.thread_time() - began)
    return min(measured)


@pytest.mark.parametrize("repeated", REPEATED)
@pytest.mark.parametrize("reader", READERS)
def test_twice_the_text_takes_twice_the_time(reader: str, repeated: str) -> None:
    assert_linear(READERS[reader], *REPEATED[repeated], length=LENGTH)


@pytest.mark.parametrize("repeated", SIGNED)
def test_a_search_for_signatures_takes_twice_the_time(repeated: str) -> None:
    assert_linear(Redactor().text, *SIGNED[repeated], length=LENGTH)


def test_twice_the_chunks_take_twice_the_time() -> None:
    assert_linear(answer_body, *REPEATED["letters"], length=BODY_LENGTH)


@pytest.mark.parametrize("part", ["\xff", "\xff\xfe\0\2", "\xff\xda\xff\xff", "\0"])
def test_twice_the_image_takes_twice_the_time(part: str) -> None:
    assert_linear(image, "", part, "", length=BODY_LENGTH)


def test_a_time_that_grows_faster_is_noticed() -> None:
    """The time grows with the cube, so a disturbed measurement makes no difference."""
    # It tries again from each «?», for each other «?», and follows each try to the end.
    tried_again = re.compile(r"\?\S*\?\S*signature=")
    with pytest.raises(AssertionError, match=r"s, then .* s"):
        assert_linear(tried_again.search, "", "?", "", length=300)

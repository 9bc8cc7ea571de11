"""A lack of the worker's own is recognised at the end of any chain of errors."""

import errno
import os

import psycopg
import pytest

from storyboard_worker.errors import (
    AttemptError,
    DatabaseUnavailable,
    ErrorCode,
    Resource,
    ResourceExhausted,
)
from storyboard_worker.resources.exhaustion import exhausted_spool, exhaustion_in, told_in_words


def wrapped(cause: BaseException) -> AttemptError:
    """The error that an attempt sees: blamed on an upstream, after two translations."""
    error = AttemptError(ErrorCode.STORAGE_UNAVAILABLE, "no", upstream="cloudinary")
    error.__cause__ = ConnectionError("no connection")
    error.__cause__.__cause__ = cause
    return error


def system_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("cause", "resource"),
    [
        (system_error(errno.EMFILE), "file descriptors"),
        (system_error(errno.ENFILE), "file descriptors"),
        (system_error(errno.ENOMEM), "memory"),
        (system_error(errno.ENOBUFS), "memory"),
        (system_error(errno.ENOSPC), "room for the spool"),
        (system_error(errno.EROFS), "room for the spool"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (ResourceExhausted(Resource.SPOOL, "full"), "room for the spool"),
    ],
    ids=repr,
)
def test_a_lack_is_found_however_it_is_wrapped(cause: BaseException, resource: str) -> None:
    for error in (cause, wrapped(cause)):
        found = exhaustion_in(error)
        assert found is not None
        assert found.resource == resource
        assert found.message.startswith(f"this worker lacks {resource} (")
        assert found.upstream is None


@pytest.mark.parametrize(
    "cause",
    [
        system_error(errno.ECONNREFUSED),
        system_error(errno.EACCES),
        TimeoutError("timed out"),
        RuntimeError("a bug"),
        OSError("without a number"),
    ],
    ids=repr,
)
def test_any_other_error_is_no_lack(cause: BaseException) -> None:
    assert exhaustion_in(cause) is None
    assert exhaustion_in(wrapped(cause)) is None
    assert exhaustion_in(None) is None


def test_a_circular_chain_comes_to_an_end() -> None:
    error = ValueError()
    error.__cause__ = error
    assert exhaustion_in(error) is None


def test_any_error_of_the_spool_is_a_lack() -> None:
    denied = exhausted_spool(FileNotFoundError(errno.ENOENT, "No usable temporary directory"))
    assert denied.resource is Resource.SPOOL
    assert "No usable temporary directory" in denied.message
    assert exhausted_spool(system_error(errno.EMFILE)).resource is Resource.DESCRIPTORS


def test_a_lack_is_recognised_in_the_words_of_libpq() -> None:
    error = psycopg.OperationalError("could not create socket: Too many open files")
    error.__cause__ = told_in_words(str(error))
    away = DatabaseUnavailable("no")
    away.__cause__ = error
    found = exhaustion_in(away)
    assert found is not None
    assert found.resource is Resource.DESCRIPTORS
    assert told_in_words("connection refused") is None

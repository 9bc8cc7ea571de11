"""The interpreters of the benchmark, each a program that is asked for its version."""

from pathlib import Path

import pytest

from tests.benchmarks.checks import CheckFailedError
from tests.benchmarks.workloads.interpreters import version_of


def interpreter(folder: Path, does: str) -> str:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{does}\n", "utf-8")
    program.chmod(0o755)
    return str(program)


def test_the_answer_is_its_name(tmp_path: Path) -> None:
    assert version_of(interpreter(tmp_path, "echo Python 3.14.1")) == "Python 3.14.1"


def test_an_interpreter_without_the_dependencies_is_refused(tmp_path: Path) -> None:
    python = interpreter(tmp_path, "echo 'No module named click' >&2; exit 1")
    with pytest.raises(CheckFailedError, match="cannot run the worker: No module named click"):
        version_of(python)

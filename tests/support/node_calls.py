"""One Node process that calls functions of compiled modules, for many tests one after another."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("node_calls.cjs")


class JavaScriptError(Exception):
    """What the function threw; ``fields`` are the error's own properties."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(f"{fields.get('name')}: {fields.get('message')}")
        self.fields = fields


class Node:
    """Functions by the file that exports them. Arguments and results travel as JSON."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, file: str, function: str, *arguments: object) -> Any:
        """What the function returns, once that is there; raises :class:`JavaScriptError`."""
        return self._ask({"file": file, "function": function, "arguments": arguments})

    def set_variables(self, **variables: str) -> None:
        """Sets environment variables of the process."""
        self._ask({"variables": variables})

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"node ended with {self._process.wait()}"
        answer = json.loads(line)
        if "error" in answer:
            raise JavaScriptError(answer["error"])
        return answer.get("result")


@contextmanager
def node(folder: Path, *, packages: Path) -> Iterator[Node]:
    """``folder``: the compiled modules; ``packages``: where else bare names are looked up."""
    process = subprocess.Popen(
        ["node", str(PROGRAM), str(folder)],
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(packages), "NODE_ENV": "production"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Node(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()

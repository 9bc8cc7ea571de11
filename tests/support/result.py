"""The result of a command."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The only line of stdout, read as JSON."""
        assert self.out.count("\n") == 1, self.shown()
        return json.loads(self.out)

    @property
    def error_lines(self) -> list[str]:
        """The lines of stderr that are no log lines."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]

    def shown(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

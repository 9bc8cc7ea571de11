"""What a session has prepared, so that an EXECUTE is known by the text that it runs."""

import re

PREPARED = re.compile(r"PREPARE (storyboard_\w+)\(.*?\) AS (.*?)(?=; |$)", re.DOTALL)
EXECUTED = re.compile(r"\bEXECUTE (storyboard_\w+)\(")


class PreparedStatements:
    """Of one session; to be shown each of its messages."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def spelt_out(self, sql: str) -> str:
        """``sql``, and the texts of the statements that it executes by their names."""
        prepared = dict(PREPARED.findall(sql))
        self._texts |= prepared
        executed = [name for name in EXECUTED.findall(sql) if name not in prepared]
        return "; ".join([sql, *(self._texts[name] for name in executed)])

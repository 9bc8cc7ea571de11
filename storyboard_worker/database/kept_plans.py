"""The plans that one session of Postgres keeps for statements that run for every image.

``PREPARE`` outlives its transaction, even one that is rolled back, and ends with the session
(https://www.postgresql.org/docs/current/sql-prepare.html).
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# A plan takes some 100 KB of the server's memory. The worker has fewer such statements.
MOST_PLANS = 32
# The server plans anew when it has new statistics. Until then a plan that was made for a few rows
# may not suit the many that have come since.
MOST_SECONDS = 300.0
DIGEST_CHARACTERS = 16


@dataclass
class _Plan:
    name: str
    made_at: float


class KeptPlans:
    """Which statements one connection has prepared, and under which names.

    A name holds a digest of its statement. So no other statement is ever run in its place, even
    where a pooler gives the session to other clients.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._plans: dict[str, _Plan] = {}
        # Those of which it is unknown whether the server has them.
        self._lost = 0

    def __contains__(self, text: str) -> bool:
        """Whether the server has ``text`` prepared, as far as is known."""
        return text in self._plans

    def name(self, text: str) -> str | None:
        """The name of ``text``, if it is prepared and not too old."""
        plan = self._plans.get(text)
        if plan is None or self._clock() - plan.made_at > MOST_SECONDS:
            return None
        return plan.name

    def add(self, text: str) -> str | None:
        """The name under which ``text`` is to be prepared now, maybe the one that it has.

        ``None``: the connection keeps no more.
        """
        plan = self._plans.get(text)
        if plan is not None:
            plan.made_at = self._clock()
            return plan.name
        if len(self._plans) + self._lost >= MOST_PLANS:
            return None
        digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]
        # Never a name that the server may have from before a failure.
        name = f"storyboard_{digest}_{self._lost}"
        self._plans[text] = _Plan(name, self._clock())
        return name

    def lose(self, texts: Sequence[str]) -> None:
        """After a failure it is unknown whether the server has these."""
        for text in texts:
            if self._plans.pop(text, None) is not None:
                self._lost += 1

    def lose_all(self) -> None:
        """The server lacks what it should have, or cannot run it."""
        self.lose(list(self._plans))

"""A command behind the proxy, with one of its exchanges spoiled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.support.database_faults import Exchange, Fault
from tests.support.database_proxy import DatabaseProxy
from tests.support.database_url import url_of
from tests.support.forked_command import ForkServer
from tests.support.result import Result

DATABASE_TIMEOUT_SECONDS = 1.0
# What one exchange that is given up may cost in all, and the start and end of a process.
MOST_SECONDS = DATABASE_TIMEOUT_SECONDS + 10.0
START_SECONDS = 2.0
# It tells a command that hangs from one that is slow.
PATIENCE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Ran:
    """``was_hit``: the fault has struck. ``result`` is ``None`` if the command never ended."""

    result: Result | None
    seconds: float
    exchanges: list[Exchange]
    was_hit: bool = True

    def ended(self, within_seconds: float = MOST_SECONDS) -> Result:
        """The result, which must come in time."""
        assert self.was_hit, "the fault did not strike"
        assert self.result is not None, f"hangs for more than {PATIENCE_SECONDS:g} s"
        assert "Traceback" not in self.result.err, self.told()
        assert '"exception"' not in self.result.err, self.told()
        assert self.seconds < within_seconds + START_SECONDS, f"too late: {self.told()}"
        return self.result

    def told(self) -> str:
        assert self.result is not None
        said = [*self.result.out.splitlines(), *self.result.err.splitlines()]
        return f"exit {self.result.code} after {self.seconds:.1f} s: {' | '.join(said[-2:])[:300]}"


class Commands:
    """Runs commands, all of them with ``settings``."""

    def __init__(self, forks: ForkServer, settings: Mapping[str, str]) -> None:
        self._forks = forks
        self._settings = settings

    def run(self, dsn: str, *arguments: object, fault: Fault | None = None, **changed: str) -> Ran:
        """One command on the database at ``dsn``, spoiled by ``fault``."""
        with DatabaseProxy(dsn) as proxy:
            if fault is not None:
                proxy.inject(fault)
            ran = self.run_at(proxy, *arguments, **changed)
            return replace(ran, was_hit=fault is None or fault.struck.wait(START_SECONDS))

    def run_at(
        self, proxy: DatabaseProxy, *arguments: object, changes: str = "", **changed: str
    ) -> Ran:
        """One command behind ``proxy``; ``changes`` is Python that alters it before it runs."""
        settings = {**self._settings, **changed, "DATABASE_URL": url_of(proxy.dsn)}
        command = self._forks.start(list(map(str, arguments)), settings, changes)
        result = command.wait(PATIENCE_SECONDS)
        return Ran(result, command.seconds, proxy.exchanges)

"""How many stored pictures no row shows any more, and for how long."""

from collections.abc import Iterator

from storyboard_worker.doctor.check import Check, passed, warned
from storyboard_worker.queries.orphans import Orphans

DAY_SECONDS = 86_400
# Above `sweep --prune 30d`, which may be late by some sweeps.
WARN_DAYS = 35
PRUNE = "storyboard-worker prune"


def orphan_checks(orphans: Orphans) -> Iterator[Check]:
    name = "orphaned pictures"
    waiting = orphans.waiting()
    if not waiting.count:
        yield passed(name, "no stored picture waits for its deletion")
        return
    days = waiting.oldest_seconds / DAY_SECONDS
    found = f"{waiting.count} stored picture(s) that no row shows, the first for {days:.0f} d"
    if days > WARN_DAYS:
        yield warned(name, found, f"{PRUNE}; let cron do it: storyboard-worker sweep --prune 30d")
    else:
        yield passed(name, f"{found}; {PRUNE} deletes them")

"""``doctor``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial

import click
from rich.console import Console

from storyboard_worker.cli.assembly import Assembly, assembled_from
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import print_json, print_line, print_marked
from storyboard_worker.doctor.check import Check, CheckGroup, Status
from storyboard_worker.doctor.claim_checks import claim_checks
from storyboard_worker.doctor.examination import examine
from storyboard_worker.doctor.machine_checks import machine_checks
from storyboard_worker.doctor.platform_checks import platform_checks
from storyboard_worker.doctor.realtime_checks import realtime_checks
from storyboard_worker.doctor.rights_checks import RightsChecks
from storyboard_worker.doctor.schema_checks import MIGRATE, schema_checks
from storyboard_worker.doctor.server_checks import ServerChecks, unreachable
from storyboard_worker.doctor.settings_checks import (
    names_database,
    read_as_far_as_possible,
    settings_checks,
)
from storyboard_worker.doctor.upkeep_checks import UpkeepChecks
from storyboard_worker.doctor.upstream_checks import cloudinary_checks, sentry_checks
from storyboard_worker.doctor.work_checks import WorkChecks
from storyboard_worker.logs import set_up
from storyboard_worker.queries.inspection import Inspection
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.reading import Settings

SIGNS = {Status.PASSED: ("✓", "green"), Status.WARNED: ("!", "yellow"), Status.FAILED: ("✗", "red")}


@click.command(
    "doctor",
    epilog="""\b
Examples:
  storyboard-worker doctor
  storyboard-worker doctor --json | jq -r '.checks[] | select(.status == "fail") | .fix'""",
)
@click.option("--json", "as_json", is_flag=True, help="Print all checks as one JSON object.")
def doctor_command(*, as_json: bool) -> None:
    """Check the whole installation: settings, machine, database, workers, Cloudinary, Sentry.

    Each line says what was found and, where something is wrong, how to fix it: ✓ good, ! worth a
    look, ✗ broken. Exit 1 if anything is broken. Nothing is changed and no secret is shown. One
    event titled «doctor» is sent to Sentry.
    """
    settings, faults = read_as_far_as_possible(os.environ)
    found = list(settings_checks(os.environ, settings, faults))
    report = Report(as_json=as_json)
    report.add(found)
    if settings is not None:
        [machine] = examine([("machine", partial(machine_checks, settings))])
        report.add(machine)
        look = examine_upstreams if names_database(faults) else examine_all
        for checks in report.waiting_for(look(settings)):
            report.add(checks)
    report.finish()
    if faults:
        raise faults[0]
    sys.exit(Exit.BAD_ANSWER if report.is_bad else Exit.DONE)


def examine_all(settings: Settings) -> Iterator[list[Check]]:
    with assembled_from(settings) as parts:
        yield from examine_database(parts)
        yield from examine(_upstream_groups(settings, parts.redactor))


def examine_upstreams(settings: Settings) -> Iterator[list[Check]]:
    """What can be checked without the address of the database."""
    redactor = Redactor(settings.secrets)
    set_up(settings.log_format, redactor)
    yield from examine(_upstream_groups(settings, redactor))


def examine_database(parts: Assembly) -> Iterator[list[Check]]:
    """Checks of the rows are left out when the database or its tables are missing, or locked."""
    server = ServerChecks(parts.database, parts.register)
    [reached] = examine([("database", server.reachable)])
    yield [unreachable(check.found) if _is_unreachable(check) else check for check in reached]
    if any(_is_unreachable(check) for check in reached):
        return
    yield from examine(_server_groups(parts, server))
    [locked] = examine([("table lock", UpkeepChecks(parts.database).lock)])
    yield locked
    [tables] = examine([("schema", partial(schema_checks, parts.database))])
    yield tables
    if not locked and not any(check.fix == MIGRATE for check in tables):
        yield from examine(_table_groups(parts))


def _is_unreachable(check: Check) -> bool:
    return check.name == "database" and check.status is Status.FAILED


def _server_groups(parts: Assembly, server: ServerChecks) -> list[tuple[str, CheckGroup]]:
    upkeep = UpkeepChecks(parts.database)
    return [
        ("connection", server.connection),
        ("connections", server.connections),
        ("clock", server.clock),
        ("open transactions", upkeep.transactions),
    ]


def _table_groups(parts: Assembly) -> list[tuple[str, CheckGroup]]:
    rights, upkeep = RightsChecks(parts.database), UpkeepChecks(parts.database)
    work = WorkChecks(
        parts.settings,
        parts.counts,
        parts.register,
        Inspection(parts.database),
        parts.failures,
    )
    return [
        ("claim", partial(claim_checks, parts.database)),
        ("row-level security", rights.security),
        ("rights", rights.rights),
        ("realtime", partial(realtime_checks, parts.database)),
        ("vacuum", upkeep.vacuum),
        ("workers", work.workers),
        ("backlog", work.backlog),
        ("failures", work.failures),
    ]


def _upstream_groups(settings: Settings, redactor: Redactor) -> list[tuple[str, CheckGroup]]:
    groups = list[tuple[str, CheckGroup]]()
    if settings.cloudinary is not None:
        look = partial(cloudinary_checks, settings.cloudinary, settings.max_image_bytes)
        groups.append(("cloudinary", look))
    if settings.sentry.dsn is not None:
        groups.append(("sentry", partial(sentry_checks, settings.sentry, redactor)))
    groups.append(("railway", partial(platform_checks, os.environ, settings)))
    return groups


class Report:
    """Shown check by check, or as JSON at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._checks: list[Check] = []

    @property
    def is_bad(self) -> bool:
        return any(check.status is Status.FAILED for check in self._checks)

    def add(self, checks: list[Check]) -> None:
        self._checks += checks
        if not self._as_json:
            for check in checks:
                _show(check)

    def waiting_for(self, found: Iterator[list[Check]]) -> Iterator[list[Check]]:
        """On a terminal a spinner turns while a check runs."""
        console = Console(stderr=True)
        while True:
            with _spinner(console):
                checks = next(found, None)
            if checks is None:
                return
            yield checks

    def finish(self) -> None:
        if self._as_json:
            shown = [asdict(check) for check in self._checks]
            print_json({"ok": not self.is_bad, "checks": shown})


@contextmanager
def _spinner(console: Console) -> Iterator[None]:
    if not console.is_terminal:
        yield
        return
    with console.status("looking"):
        yield


def _show(check: Check) -> None:
    sign, colour = SIGNS[check.status]
    print_marked(sign, colour, f"{check.name}: {check.found}")
    if check.fix:
        print_line(f"    fix: {check.fix}")

"""``status``."""

from typing import Any

import click

from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.output import ago, duration, print_json, print_line, print_table
from storyboard_worker.queries.counts import Counts
from storyboard_worker.queries.workers import paused_upstreams


@click.command(
    "status",
    epilog="""\b
Examples:
  storyboard-worker status
  watch -n 5 storyboard-worker status
  storyboard-worker status --json | jq .oldest_waiting_seconds""",
)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def status_command(*, as_json: bool) -> None:
    """How much waits and how long, what was done lately, who works, what is paused."""
    with assembled() as parts:
        counts = parts.looking(parts.counts.read)
        workers = parts.looking(parts.register.alive)
    if as_json:
        print_json(_as_json(counts, workers))
        return
    print_table(
        ["storyboards", ""],
        [
            ("waiting", counts.waiting),
            ("processing", counts.processing),
            ("ready", counts.ready),
            ("failed", counts.failed),
            ("oldest waiting", duration(counts.oldest_waiting_seconds)),
            ("links that die within 2 h", counts.expiring_soon),
            ("ready a minute, lately", f"{counts.ready_per_minute:.1f}"),
        ],
    )
    print_line()
    _print_workers(workers)


def _print_workers(workers: list[dict[str, Any]]) -> None:
    if not workers:
        print_line("no worker is alive: start one with `storyboard-worker run`")
        return
    print_table(
        ["worker", "state", "in flight", "up for", "seen", "version"],
        (
            (
                worker["worker_id"],
                worker["state"],
                f"{worker['in_flight']}/{worker['concurrency']}",
                ago(worker["started_at"]),
                f"{ago(worker['last_seen_at'])} ago",
                worker["version"],
            )
            for worker in workers
        ),
    )
    for pause in paused_upstreams(workers):
        print_line(f"paused: {pause['upstream']} until {pause['until']} ({pause['worker_id']})")


def _as_json(counts: Counts, workers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "waiting": counts.waiting,
        "processing": counts.processing,
        "ready": counts.ready,
        "failed": counts.failed,
        "oldest_waiting_seconds": round(counts.oldest_waiting_seconds, 3),
        "expiring_soon": counts.expiring_soon,
        "workers": workers,
        "paused": paused_upstreams(workers),
    }

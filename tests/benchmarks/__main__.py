"""The command line of the benchmarks."""

from pathlib import Path

import click

from tests.benchmarks.catalogue import WORKLOADS
from tests.benchmarks.checks import CheckFailedError
from tests.benchmarks.plots import can_draw
from tests.benchmarks.report import Results
from tests.benchmarks.stage import Options, set_up

USUAL_ROUNDS = 3
LIST = "\n".join(f"  {workload.name:<12} {workload.summary}" for workload in WORKLOADS.values())


@click.command(epilog=f"\b\nWorkloads (all, unless some are named):\n{LIST}")
@click.argument("names", metavar="[WORKLOAD]...", nargs=-1, type=click.Choice(list(WORKLOADS)))
@click.option("--rounds", type=click.IntRange(1), help="Default: 3, or 1 with --quick.")
@click.option("--out", default=".benchmarks", type=click.Path(path_type=Path), show_default=True)
@click.option("--quick", is_flag=True, help="Few images: to try the benchmarks, not the worker.")
@click.option("--snapshot-minutes", default=10.0, show_default=True)
@click.option(
    "--server",
    envvar="TEST_DATABASE_URL",
    metavar="URL",
    show_envvar=True,
    help="A Postgres on this machine, as its superuser. Default: an embedded one.",
)
@click.option(
    "--python",
    "pythons",
    metavar="PATH",
    multiple=True,
    help="An interpreter with the worker's dependencies, for «interpreters» and «peers».",
)
def main(
    names: tuple[str, ...],
    rounds: int | None,
    out: Path,
    quick: bool,  # noqa: FBT001  click's way
    snapshot_minutes: float,
    server: str | None,
    pythons: tuple[str, ...],
) -> None:
    """Measure the worker; print Markdown tables of medians over the rounds.

    Tables, the figures of every round and plots go to the folder --out as well. Contestants
    take turns. A measurement in which an image was lost or altered ends the run.
    """
    rounds = rounds or (1 if quick else USUAL_ROUNDS)
    options = Options(rounds, quick, snapshot_minutes, server, pythons)
    results = Results(out, with_plots=can_draw())
    if not can_draw():
        click.echo("no plots: pip install 'storyboard-worker[bench]'", err=True)
    try:
        with set_up(options) as stage:
            click.echo(f"Postgres {stage.server.version}", err=True)
            for name in dict.fromkeys(names) or WORKLOADS:
                reports = WORKLOADS[name].run(stage)
                results.add(name, reports)
                for report in reports:
                    click.echo(report.table.markdown())
    except (CheckFailedError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()

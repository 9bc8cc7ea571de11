"""One of several worker processes."""

from storyboard_worker.cli.assembly import assembled_from
from storyboard_worker.cli.ending import exit_code_of
from storyboard_worker.cli.inherited import Inherited, tell_of_death
from storyboard_worker.cli.resources import check_spool
from storyboard_worker.cli.run import worker_of
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.processes.children import Death
from storyboard_worker.worker.processes.publishing import PublishedVitals
from storyboard_worker.worker.processes.records import Record
from storyboard_worker.worker.processes.stop_watcher import watch_for_stop


def work_as_worker(
    inherited: Inherited,
    record: Record,
    settings: Settings,
    shutdown: Shutdown,
    before: Death | None,
) -> int:
    """The exit code of the process. ``settings`` are its own, with its share of the slots;
    ``before`` is the death of the process whose place it takes."""

    def work() -> None:
        record.begin()
        inherited.hold()
        for listener in inherited.sockets:
            listener.close()
        watch_for_stop(shutdown, inherited.parent)
        with assembled_from(settings) as parts:
            tell_of_death(parts, before)
            check_spool(parts)
            vitals = PublishedVitals(record, parts.breakers, parts.database, before)
            on_ended = None if inherited.counting is None else inherited.counting(record)
            predecessor = record.register(parts.worker_id)
            worker_of(parts, shutdown, vitals, on_ended, predecessor).run()

    return exit_code_of(work)

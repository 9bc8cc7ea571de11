"""What a worker needs of this machine."""

from collections.abc import Iterator

from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.errors import ResourceExhausted
from storyboard_worker.resources.descriptors import look
from storyboard_worker.settings.reading import Settings
from storyboard_worker.transfer.spool import try_folder


def machine_checks(settings: Settings) -> Iterator[Check]:
    yield _descriptors(settings)
    yield _spool()


def _descriptors(settings: Settings) -> Check:
    name = "descriptors"
    found = look(settings.worker_concurrency, serves_http=settings.port is not None)
    if found.are_enough:
        return passed(name, f"{found.needed} may be needed and are available")
    judge = warned if found.concurrency else failed
    return judge(name, found.shortage, found.fix)


def _spool() -> Check:
    name = "spool folder"
    try:
        folder = try_folder()
    except ResourceExhausted as error:
        return failed(
            name,
            f"{error.message}: images whose source does not say how long they are have to wait",
            "make room in the folder for temporary files, or set TMPDIR to one that can be written",
        )
    return passed(name, f"{folder} can be written")

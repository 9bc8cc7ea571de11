"""Checks before anything is claimed: file descriptors, and a folder for spools."""

import logging

from storyboard_worker.cli.assembly import Assembly
from storyboard_worker.errors import ResourceExhausted
from storyboard_worker.logs import event
from storyboard_worker.resources.descriptors import raise_limit
from storyboard_worker.settings.reading import Settings
from storyboard_worker.transfer.spool import try_folder


def check_resources(parts: Assembly, *, serves_http: bool = False) -> None:
    """Warns of what is scarce.

    Raises :class:`SettingsError` where nothing can be copied.
    """
    check_descriptors(parts.settings, serves_http=serves_http)
    check_spool(parts)


def check_descriptors(settings: Settings, *, serves_http: bool = False) -> None:
    """With too few of them fewer slots work.

    Raises :class:`SettingsError` where not even one does.
    """
    concurrency = settings.worker_concurrency
    found = raise_limit(concurrency, serves_http=serves_http)
    if not found.are_enough:
        event(
            logging.WARNING,
            f"WORKER_CONCURRENCY={concurrency} needs more file descriptors than there are",
            reason=found.shortage,
            fix=found.fix,
        )


def check_spool(parts: Assembly) -> None:
    """Without a folder only images whose source says their length are copied."""
    try:
        try_folder()
    except ResourceExhausted as error:
        parts.restraint.met(error)
        event(
            logging.WARNING,
            "images whose source does not say how long they are cannot be copied",
            reason=error.message,
        )

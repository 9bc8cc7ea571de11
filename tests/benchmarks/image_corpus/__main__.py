"""The command line."""

from pathlib import Path

import click
import PIL

from storyboard_worker.transfer.images import ImageType
from tests.benchmarks.image_corpus.debian_sources import (
    PACKAGES,
    SUITE,
    DebianSources,
    NotFetchedError,
)
from tests.benchmarks.image_corpus.files import images_in
from tests.benchmarks.image_corpus.tally import Tally

LEAST_JPEG_CUTS = 4_000
LEAST_OTHER_CUTS = 1_500
MOST_REFUSED_PNGS = 3


@click.command()
@click.option("--folder", default=".benchmarks/debian", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Fetch the packages (100 MB, kept in --folder), judge their images, print a table.

    Ends with 1 when a target is missed or something could not be fetched.
    """
    tally, notes = Tally(), [f"Debian {SUITE}, Pillow {PIL.__version__}"]
    sources = DebianSources(folder)
    lacking = [note for package in PACKAGES if (note := _judge(sources, package, tally))]
    click.echo(tally.table([*notes, *tally.objections]).markdown())
    for complaint in [*lacking, *_missed(tally)]:
        click.echo(complaint, err=True)
    if lacking or _missed(tally):
        raise SystemExit(1)


def _judge(sources: DebianSources, package: str, tally: Tally) -> str | None:
    """Judge the images of a package; returns a message if it could not be fetched."""
    click.echo(f"{package} …", err=True)
    try:
        archives = sources.archives(package)
    except NotFetchedError as error:
        return f"NOT FETCHED, and not judged: {error}"
    for archive in archives:
        for file in images_in(archive):
            tally.judge(file)
    return None


def _missed(tally: Tally) -> list[str]:
    counts = tally.counts
    cuts = {image_type: counts[image_type, "cuts of these"] for image_type in ImageType}
    refused = {image_type: counts[image_type, "of these refused"] for image_type in ImageType}
    targets = {
        f"at least {LEAST_JPEG_CUTS:,} cuts of JPEG": cuts[ImageType.JPEG] >= LEAST_JPEG_CUTS,
        f"at least {LEAST_OTHER_CUTS:,} cuts of PNG and WebP": (
            cuts[ImageType.PNG] + cuts[ImageType.WEBP] >= LEAST_OTHER_CUTS
        ),
        "no cut accepted that Pillow cannot decode": not any(
            counts[image_type, "accepted, not decoded"] for image_type in ImageType
        ),
        f"at most {MOST_REFUSED_PNGS} files refused that Pillow decodes, all of them PNG": (
            refused[ImageType.PNG] <= MOST_REFUSED_PNGS
            and not refused[ImageType.JPEG] + refused[ImageType.WEBP]
        ),
        "verdicts that do not depend on chunks": not any(
            counts[image_type, "differ in pieces"] for image_type in ImageType
        ),
    }
    return [f"MISSED: {target}" for target, reached in targets.items() if not reached]


if __name__ == "__main__":
    main()

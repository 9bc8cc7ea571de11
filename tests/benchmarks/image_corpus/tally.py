"""The results by type of image."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storyboard_worker.transfer.images import HEAD_BYTES, ImageType
from tests.benchmarks.image_corpus.cuts import cuts_of
from tests.benchmarks.image_corpus.files import ImageFile
from tests.benchmarks.image_corpus.verdicts import is_whole, is_whole_in_pieces, pillow_decodes
from tests.benchmarks.tables import Table

COLUMNS = (
    "files",
    "Pillow decodes",
    "of these refused",
    "cuts of these",
    "refused",
    "accepted, decoded",
    "accepted, not decoded",
    "differ in pieces",
)


@dataclass
class Tally:
    """``objections`` name the results that should not occur."""

    counts: Counter[tuple[ImageType, str]] = field(default_factory=Counter)
    objections: list[str] = field(default_factory=list)

    def judge(self, file: ImageFile) -> None:
        """Judge the file, and cuts of it where Pillow decodes it."""
        self._count(file, "files")
        chance = random.Random(file.name)
        whole = self._verdict(file, file.content, chance)
        if not pillow_decodes(file.content):
            return
        self._count(file, "Pillow decodes")
        if not whole:
            self._count(file, "of these refused", f"refused: {file.name}")
        if len(file.content) > HEAD_BYTES:
            for length in cuts_of(file.type, file.content, chance):
                self._judge_cut(file, length, chance)

    def _judge_cut(self, file: ImageFile, length: int, chance: random.Random) -> None:
        self._count(file, "cuts of these")
        cut = file.content[:length]
        if not self._verdict(file, cut, chance):
            self._count(file, "refused")
        elif pillow_decodes(cut):
            self._count(file, "accepted, decoded")
        else:
            objection = f"accepted, cut to {length:,} of {len(file.content):,} bytes: {file.name}"
            self._count(file, "accepted, not decoded", objection)

    def _verdict(self, file: ImageFile, content: bytes, chance: random.Random) -> bool:
        whole = is_whole(file.type, content)
        if is_whole_in_pieces(file.type, content, chance) is not whole:
            self._count(file, "differ in pieces", f"differs in pieces: {file.name}")
        return whole

    def _count(self, file: ImageFile, column: str, objection: str | None = None) -> None:
        self.counts[file.type, column] += 1
        if objection:
            self.objections.append(objection)

    def table(self, notes: Sequence[str]) -> Table:
        rows = [
            [image_type.name, *(f"{self.counts[image_type, column]:,}" for column in COLUMNS)]
            for image_type in ImageType
        ]
        return Table("Images of Debian's source packages", COLUMNS, rows, notes)

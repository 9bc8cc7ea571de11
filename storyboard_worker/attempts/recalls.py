"""Rows that an outage has put off come back when it is over, a batch at a time.

Each attempt that ends takes one batch further, so no thread is held up for long, however many rows
there are; and the rows of one batch bring on the next.
"""

import logging
import threading
from collections import deque

from storyboard_worker.attempts.pauses import Recovery
from storyboard_worker.errors import DatabaseUnavailable, DataRefused, SchemaOutdated
from storyboard_worker.logs import event
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.put_off import Recall


class Recalls:
    """Of one worker, shared by its threads."""

    def __init__(self, queue: StoryboardQueue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._begun: deque[Recall] = deque()

    def begin(self, recovery: Recovery) -> None:
        """``recovery``'s rows come back from now on."""
        self._begun.append(Recall(recovery.upstream, recovery.seconds))

    def go_on(self) -> None:
        """One batch, unless another thread is at it."""
        if not self._begun or not self._lock.acquire(blocking=False):
            return
        try:
            self._one_batch()
        finally:
            self._lock.release()

    def _one_batch(self) -> None:
        if not self._begun:
            return
        recall = self._begun.popleft()
        try:
            recall = self._queue.recall(recall)
        except DatabaseUnavailable:
            self._begun.appendleft(recall)
        except (SchemaOutdated, DataRefused) as error:
            # They come by themselves, a little later.
            event(logging.WARNING, "rows not recalled", upstream=recall.upstream, reason=error)
        else:
            self._settle(recall)

    def _settle(self, recall: Recall) -> None:
        if not recall.is_over:
            self._begun.appendleft(recall)
        elif recall.count:
            event(
                logging.INFO,
                "rows recalled after an outage",
                upstream=recall.upstream,
                count=recall.count,
            )

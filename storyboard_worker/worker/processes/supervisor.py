"""The parent of several processes. It has no threads, and does no work of its own."""

import logging
import os
import signal
import time
from collections.abc import Sequence

from storyboard_worker.hard_end import write_to_stderr
from storyboard_worker.logs import event
from storyboard_worker.shutdown import EXIT_AT_ONCE
from storyboard_worker.worker.processes.children import Death
from storyboard_worker.worker.processes.posts import Post
from storyboard_worker.worker.processes.signals import Signals

EXIT_DONE = 0
EXIT_SETTINGS = 2
# Each process ends itself when the grace is over. One that cannot is killed a moment later.
SPARE_SECONDS = 3.0


class Supervisor:
    """Keeps ``posts`` taken until a signal stops it, and then sees their processes off."""

    def __init__(self, posts: Sequence[Post], signals: Signals, *, grace_seconds: float) -> None:
        self._posts = posts
        self._signals = signals
        self._grace_seconds = grace_seconds
        self._stops = False
        self._code = EXIT_DONE

    def run(self) -> int:
        """The exit code, once all processes have ended.

        Settings that a process refuses end all of them with 2: the others would meet the same.
        """
        while not self._stops:
            for post in self._posts:
                if post.seconds_until_due == 0:
                    post.start(self._signals)
            self._hear(self._seconds_until_due)
        self._see_off()
        return self._code

    @property
    def _seconds_until_due(self) -> float | None:
        waits = [post.seconds_until_due for post in self._posts]
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def _hear(self, seconds: float | None) -> None:
        """Act on the signals of the next so many seconds, or on those of the first moment that
        brings some."""
        for number in self._signals.within(seconds):
            if number == signal.SIGCHLD:
                self._look_for_deaths()
            elif self._stops:
                self._end_at_once()
            else:
                self._stops = True

    def _look_for_deaths(self) -> None:
        """One signal may stand for several deaths. Only those of our own processes are asked for:
        the first process of a container has others below it."""
        for post in self._posts:
            died = post.death()
            if died is not None:
                self._take_in(post, died)

    def _take_in(self, post: Post, died: Death) -> None:
        if died.code == EXIT_SETTINGS:
            self._stops, self._code = True, EXIT_SETTINGS
        elif not self._stops:
            post.mourn(died)
        elif died.code != EXIT_DONE:
            event(logging.WARNING, "a process did not stop well", process=post.name, ended=died.how)

    def _see_off(self) -> None:
        """The first signal reaches all processes. Those that others need are released last."""
        kill_at = time.monotonic() + self._grace_seconds + SPARE_SECONDS
        for post in self._posts:
            post.signal(signal.SIGTERM)
        self._wait_for([post for post in self._posts if post.release is None], kill_at)
        for post in self._posts:
            if post.release is not None:
                post.release()
        self._wait_for(self._posts, kill_at)

    def _wait_for(self, posts: Sequence[Post], kill_at: float) -> None:
        while left := [post for post in posts if post.is_taken]:
            seconds = kill_at - time.monotonic()
            if seconds <= 0:
                event(logging.WARNING, "killing what does not stop", processes=_names(left))
                self._kill(left)
            self._hear(seconds if seconds > 0 else None)

    def _kill(self, posts: Sequence[Post]) -> None:
        for post in posts:
            post.signal(signal.SIGKILL)

    def _end_at_once(self) -> None:
        write_to_stderr(b"second signal: stopping at once\n")
        self._kill(self._posts)
        os._exit(EXIT_AT_ONCE)


def _names(posts: Sequence[Post]) -> list[str]:
    return [post.name for post in posts]

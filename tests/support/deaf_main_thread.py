"""A main thread that no signal interrupts, as if each came in the moment before its wait."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf_main_thread() -> Iterator[None]:
    """Signals can only go to another thread, which waits for nothing else."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        done.set()
        other.join()

"""How a stop reaches the main thread of a process that has others.

The system gives a signal to any thread, and Python calls the handler in the main thread, when that
moves. Mostly the main thread itself is interrupted. Where another thread was quicker, or the main
thread was about to begin a wait, it would go on waiting, in the claim loop for up to half a minute.
"""

import os
import select
import signal
import threading
import time

from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.processes.lifeline import Lifeline

AGAIN_SECONDS = 0.05


def watch_for_stop(shutdown: Shutdown, parent: Lifeline) -> None:
    """From now on SIGTERM and SIGINT interrupt the main thread, and so does the end of the parent:
    its process then stops as after a signal."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The interpreter writes into it whichever thread gets the signal.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def watch() -> None:
        select.select([reading, parent.fileno()], [], [])
        while not shutdown.requested:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            time.sleep(AGAIN_SECONDS)

    threading.Thread(target=watch, name="stop watcher", daemon=True).start()

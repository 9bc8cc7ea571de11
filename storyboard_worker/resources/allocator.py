"""What the C library does with memory that is free again.

An image on its way takes a few chunks of up to 512 KB, each new, each soon free. By default glibc
gives such memory back to the system and takes it anew page by page, and has an arena of it for each
of eight threads (https://man7.org/linux/man-pages/man3/mallopt.3.html).
"""

import ctypes
import os

# Option, from glibc's malloc.h, and value by the variable with which a person may set it.
OPTIONS = {
    # Above the size of every chunk: memory that is mapped for one is unmapped with it.
    "MALLOC_MMAP_THRESHOLD_": (-3, 8 * 1024 * 1024),
    # Above what the chunks of all slots take together.
    "MALLOC_TRIM_THRESHOLD_": (-1, 128 * 1024 * 1024),
    # What one slot has freed serves the next, whichever it is.
    "MALLOC_ARENA_MAX": (-8, 2),
}
SET = 1


def keep_freed_memory() -> bool:
    """Let memory that was freed serve again. To be called before there are threads.

    What the environment sets stays as it is. False where the C library is not glibc: then nothing
    is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    chosen = [option for name, option in OPTIONS.items() if name not in os.environ]
    return all(mallopt(option, value) == SET for option, value in chosen)

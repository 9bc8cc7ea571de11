"""What the C library does with memory that is free again.

An image on its way takes a few chunks of up to 512 KB, each new, each soon free. By default glibc
gives such memory back to the system and takes it anew page by page, and has an arena of it for each
of eight threads (https://man7.org/linux/man-pages/man3/mallopt.3.html).
"""

import ctypes

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8

OPTIONS = {
    # Above the size of every chunk: memory that is mapped for one is unmapped with it.
    M_MMAP_THRESHOLD: 8 * 1024 * 1024,
    # Above what the chunks of all slots take together.
    M_TRIM_THRESHOLD: 128 * 1024 * 1024,
    # What one slot has freed serves the next, whichever it is.
    M_ARENA_MAX: 2,
}
SET = 1


def keep_freed_memory() -> bool:
    """Let memory that was freed serve again. To be called before there are threads.

    False where the C library is not glibc; it works as before then.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(option, value) == SET for option, value in OPTIONS.items())

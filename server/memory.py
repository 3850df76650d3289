"""How the C library keeps memory: large blocks of answers are used again instead of given back."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
KEPT_BYTES = 64 << 20


def keep_large_blocks() -> None:
    """Take a page's megabyte from the heap and not from fresh pages that the kernel must zero.

    Where the C library is another, nothing changes.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt") and hasattr(libc, "gnu_get_libc_version"):
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            libc.mallopt(option, KEPT_BYTES)

"""Memory that training gives back and takes again at every step: let the process keep it."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MB = 1024 * 1024


def keep_freed_memory() -> bool:
    """Make glibc keep up to 512 MB of freed memory instead of returning it to the system; gives whether it does.

    The tensors of a step are of 0.1 to 30 MB; without this, the pages of most are mapped anew at every step, which
    costs a tenth of the time of training on processors. Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    settings = ((M_MMAP_THRESHOLD, 32 * MB), (M_TRIM_THRESHOLD, 512 * MB), (M_TOP_PAD, 64 * MB))
    return all(mallopt(name, size) for name, size in settings)

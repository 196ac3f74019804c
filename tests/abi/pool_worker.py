"""What the workers of the pools in test_fork.py do; loads the library when it is imported."""
import ctypes

import boundary

lib = boundary.load()


def work(_):
    return lib.mcd_live_handles(ctypes.byref(ctypes.c_int64()))

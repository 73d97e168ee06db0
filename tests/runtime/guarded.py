"""Memory in which a kernel that reads or writes beside its buffers is found out."""

import math

import numpy as np

from symcell.runtime import memory


class Guarded:
    """Stands in for memory.empty: arrays between two guards of bytes that no kernel may write, or use."""

    GUARD = 4096  # bytes on either side; a multiple of the line

    def __init__(self, byte):
        self.byte = byte  # 0xFF: every number in a guard, and every number not yet written, is NaN
        self.made, self.gaps = [], 0

    def empty(self, shape, dtype, what, zero=False):
        size = math.prod(shape) * dtype.itemsize
        raw = np.full(size + 2 * self.GUARD + memory.LINE, self.byte, np.uint8)
        start = self.GUARD + -raw.__array_interface__["data"][0] % memory.LINE
        raw[start : start + size] = 0 if zero else 0xFF
        self.made.append((what, raw, start, size))
        return raw[start : start + size].view(dtype).reshape(shape)

    def copy(self, array):
        """A copy between guards."""
        copied = self.empty(array.shape, array.dtype, "argument")
        copied[...] = array
        return copied

    def watch(self, kernel, monkeypatch):
        """Have the kernel take all memory from here, and leave room between the buffers of a block."""
        whole = kernel._passes._run

        def run(*args):
            buffers = whole(*args)
            self.assert_gaps_intact(*buffers)
            return buffers

        monkeypatch.setattr(memory, "empty", self.empty)
        monkeypatch.setattr(memory, "KEEP_BYTES", -1)  # no array comes from an earlier call
        monkeypatch.setattr(memory, "GAP", self.GUARD // kernel.dtype.itemsize)
        monkeypatch.setattr(kernel._passes, "pool", memory.Pool(kernel.dtype))
        monkeypatch.setattr(kernel._passes, "_run", run)

    def assert_gaps_intact(self, plan, arrays):
        """Between buffers no bit has changed since `empty`."""
        for k, wanted in enumerate(plan.makes, len(plan.given)):
            between = np.ones(wanted.shape, bool)
            for place in plan.places.values():
                if place.array == k:
                    between.ravel()[place.start : place.start + math.prod(place.shape)] = False
            self.gaps += between.sum()
            found = arrays[k][between].view(np.uint8)
            assert (found == 0xFF).all(), f"{wanted.purpose}: written between buffers"

    def assert_intact(self):
        assert self.gaps
        assert self.made
        for what, raw, start, size in self.made:
            assert (raw[:start] == self.byte).all(), f"{what}: written below"
            assert (raw[start + size :] == self.byte).all(), f"{what}: written above"

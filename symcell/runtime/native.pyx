# cython: language_level=3
"""What all kernels have in common around their passes, compiled once: arguments, memory, threads, sums over all steps."""

from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBUF_STRIDED_RO, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer)
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_AsUTF8
from libc.string cimport memcpy, memset, strcmp

import numpy as np

cdef extern from *:
    """
    #define SC_KERNEL "symcell/shared.h"
    #include "symcell/variants.h"
    #include "symcell/pool.h"
    static const struct sc_entry fingerprint_entries[] = {SC_ENTRIES(sc_fingerprint)};
    static const struct sc_entry outer_entries[] = {SC_ENTRIES(sc_outer)};
    """
    cdef struct sc_print:
        const void *bytes
        size_t count
        unsigned long long fingerprint
    cdef struct sc_matrix:
        void *base
        ptrdiff_t rows, columns, stride
    cdef struct sc_factor:
        sc_matrix right
        void *out
        ptrdiff_t height, blocks
    cdef struct sc_outer:
        sc_team team
        sc_matrix left
        const sc_factor *factors
        ptrdiff_t count
        void *total
        void *work
    enum: SC_OUTER_BYTES
    const char *SC_INTERFACE  # a hash of the headers and of native.pxd
    void sc_run(void (*)(void *) noexcept nogil, void *, size_t, sc_team *, int) noexcept nogil
    const sc_entry *fingerprint_entries
    const sc_entry *outer_entries

cdef struct sc_slot:  # where a state lies
    long long array, start, count
cdef struct sc_columns:  # where a factor lies that is summed over all steps
    long long array, start, rows, columns, stride, parts
cdef enum:
    ALL, HISTORY, RING, CHUNK, STEP, SEQUENCE  # kinds of buffers, by how many steps they hold
    MOST_SIZES = 64


cdef long long MOST = 1 << 56  # numbers that anything may hold
cdef long long MOST_LANES = 1 << 27  # components of a vector

cdef object ndarray = np.ndarray, empty = np.empty

INTERFACE = SC_INTERFACE.decode()  # kernels are compiled against the same, or must not be run


def fitting(tuple given, tuple signature, dtype, tuple sizes):
    """Return the sizes of the dimensions and the arguments if all fit, else None, and somebody else says what is wrong.

    given, signature: inputs, parameters, states, of which some may be left out: name -> array, and name -> indices of its
    dimensions in sizes, where None is unknown. An array fits that is plain, contiguous, aligned, of this dtype and
    nowhere empty, and agrees with the others in size.
    """
    cdef ptrdiff_t found[MOST_SIZES]
    cdef Py_ssize_t count = len(sizes), k
    cdef list fit = []
    cdef dict arrays, group
    if count > MOST_SIZES or len(given) != 3 or len(signature) != 3:
        return None
    for k in range(count):
        found[k] = -1 if sizes[k] is None else sizes[k]
    for k in range(3):
        if type(given[k]) is not dict:
            return None
        arrays, group = {}, given[k]
        for name, axes in (<dict?>signature[k]).items():
            array = group.get(name)
            if array is None and k == 2:
                continue
            if type(array) is not ndarray or array.dtype is not dtype or not fits(array, <tuple?>axes, found, count):
                return None
            arrays[name] = array
        if len(arrays) != len(group):
            return None
        fit.append(arrays)
    return tuple([None if found[k] < 0 else found[k] for k in range(count)]), fit[0], fit[1], fit[2]


cdef bint fits(array, tuple axes, ptrdiff_t *sizes, Py_ssize_t count) except -1:
    """Tell whether a contiguous array has these dimensions, and enter those that were unknown."""
    cdef Py_buffer view
    cdef Py_ssize_t k, axis
    cdef ptrdiff_t stride
    PyObject_GetBuffer(array, &view, PyBUF_STRIDED_RO)
    cdef bint fit = view.ndim == len(axes) and <size_t>view.buf % <size_t>view.itemsize == 0
    if fit:
        stride = view.itemsize
        for k in range(view.ndim - 1, -1, -1):
            axis = axes[k]
            if not 0 <= axis < count or view.shape[k] == 0 or view.strides[k] != stride:
                fit = False
                break
            if sizes[axis] < 0:
                sizes[axis] = view.shape[k]
            if sizes[axis] != view.shape[k]:
                fit = False
                break
            stride *= view.shape[k]
    PyBuffer_Release(&view)
    return fit


def fingerprints(isa, arrays):
    """Return a number for each contiguous array, which is another one once the array has changed."""
    cdef list all_of_them = list(arrays)
    cdef Py_ssize_t count = len(all_of_them), k
    cdef const sc_entry *entry = variant(fingerprint_entries, isa, 4)
    cdef sc_print *calls = <sc_print *>PyMem_Malloc(max(1, count) * sizeof(sc_print))
    cdef Py_buffer view
    if calls == NULL:
        raise MemoryError
    try:
        for k in range(count):
            PyObject_GetBuffer(all_of_them[k], &view, PyBUF_SIMPLE)
            calls[k].bytes, calls[k].count = view.buf, view.len
            PyBuffer_Release(&view)  # the list keeps the array
        with nogil:
            for k in range(count):
                entry.run(&calls[k])
        return [calls[k].fingerprint for k in range(count)]
    finally:
        PyMem_Free(calls)


def enter(slots, list arrays, tuple names, dict states, Py_ssize_t itemsize):
    """Copy states into their slots before the first step; those that are left out are zero."""
    cdef const sc_slot *slot = slots_of(slots, len(names))
    cdef Py_ssize_t k
    cdef size_t count
    for k in range(len(names)):
        state = states.get(names[k])
        to, count = address_of(&slot[k], arrays, itemsize, True), slot[k].count * itemsize
        if state is None:
            memset(to, 0, count)
        else:
            memcpy(to, address("a state", state, count, False), count)


def leave(slots, list arrays, dict shapes, dtype):
    """Return copies of the states after the last step, new arrays of these shapes."""
    cdef const sc_slot *slot = slots_of(slots, len(shapes))
    cdef Py_ssize_t itemsize = dtype.itemsize
    cdef size_t count
    cdef dict states = {}
    for name, shape in shapes.items():
        states[name] = state = empty(shape, dtype)
        count = slot.count * itemsize
        memcpy(address("a state", state, count, True), address_of(slot, arrays, itemsize, False), count)
        slot += 1
    return states


cdef const sc_slot *slots_of(slots, Py_ssize_t count) except NULL:
    """Return the table of the states' slots: array, first number, how many."""
    return <const sc_slot *>address("the slots of the states", slots, count * sizeof(sc_slot), False)


cdef char *address_of(const sc_slot *slot, list arrays, Py_ssize_t itemsize, bint writable) except NULL:
    """Return where the slot of a state begins. The caller keeps the array alive."""
    if not 0 <= slot.start <= MOST or not 0 <= slot.count <= MOST:
        raise ValueError(f"a state with impossible sizes: {slot.count} numbers from {slot.start} on")
    cdef ptrdiff_t end = (slot.start + slot.count) * itemsize
    return <char *>address("an array of states", arrays[slot.array], end, writable) + slot.start * itemsize


WORK_BYTES = SC_OUTER_BYTES  # that each thread needs in over_all_steps


def over_all_steps(isa, int itemsize, factors, list arrays, list outs, bint total, work, int threads=1):
    """Sum over all rows: outs[k] = left^T right[k], and where a total is asked for, the sum of left's rows in the last.

    factors: (1 + rights, 6) integers: array, first number, rows, columns, numbers from row to row, parts; left (N, M),
    and rights (N, K). parts: of left, how many vectors lie side by side in it; of a right, in how many blocks along the
    diagonal its products with each of them are wanted; outside they are 0. outs: (M, K) each, and (M,). total: whether
    the last is asked for. threads: how many may share the columns of left. work: WORK_BYTES for each of them, nobody
    else's until this returns. Without the GIL.
    """
    cdef sc_outer c
    cdef const sc_entry *entry = variant(outer_entries, isa, itemsize)
    cdef Py_ssize_t k
    c.count = len(outs) - total
    if c.count < 0:
        raise ValueError("a sum without a place for it")
    cdef const sc_columns *columns = <const sc_columns *>address(
        "the table of factors", factors, (1 + c.count) * sizeof(sc_columns), False)
    c.left = matrix(columns, arrays, itemsize)
    cdef sc_factor *rights = <sc_factor *>PyMem_Malloc(max(1, c.count) * sizeof(sc_factor))
    if rights == NULL:
        raise MemoryError
    c.factors = rights
    try:
        for k in range(c.count):
            rights[k].right = matrix(&columns[1 + k], arrays, itemsize)
            if rights[k].right.rows != c.left.rows:
                raise ValueError(f"factors of {c.left.rows} and {rights[k].right.rows} rows")
            if <double>c.left.columns * rights[k].right.columns > MOST:
                raise ValueError(f"a product of {c.left.columns} times {rights[k].right.columns} numbers")
            rights[k].height, rights[k].blocks = c.left.columns // columns.parts, columns[1 + k].parts
            if rights[k].blocks > 1 and (
                    <double>rights[k].blocks * c.left.columns > MOST or rights[k].height == 0
                    or rights[k].height * columns.parts != c.left.columns):
                raise ValueError(f"{rights[k].blocks} blocks in products with {columns.parts} vectors, "
                                 f"{c.left.columns} numbers together")
            rights[k].out = address("a product", outs[k], c.left.columns * rights[k].right.columns * itemsize, True)
        c.total = address("a sum", outs[c.count], c.left.columns * itemsize, True) if total else NULL
        c.work = address("work", work, <ptrdiff_t>max(1, threads) * SC_OUTER_BYTES, True)
        with nogil:
            sc_run(entry.run, &c, sizeof(c), &c.team, threads)
    finally:
        PyMem_Free(rights)


cdef sc_matrix matrix(const sc_columns *columns, list arrays, ptrdiff_t itemsize) except *:
    """Return where the rows of a factor are. The caller keeps the arrays alive."""
    cdef sc_matrix found
    found.rows, found.columns, found.stride = columns.rows, columns.columns, columns.stride
    if (not 0 <= columns.start <= MOST or found.rows < 0 or not 0 <= found.columns <= found.stride
            or <double>found.stride * max(1, found.rows) > MOST
            or columns.parts < 1 or <double>columns.parts * max(1, found.columns) > MOST):
        raise ValueError("a factor with impossible sizes")
    cdef ptrdiff_t end = columns.start + (found.rows - 1) * found.stride + found.columns if found.rows else 0
    found.base = <char *>address("a factor", arrays[columns.array], end * itemsize, False) + columns.start * itemsize
    return found


cdef tuple names_of(const sc_entry *entries):
    """Return the instruction sets of a table of variants."""
    cdef list names = []
    while entries.isa != NULL:
        names.append(entries.isa.decode())
        entries += 1
    return tuple(dict.fromkeys(names))


cdef const sc_entry *variant(const sc_entry *entries, str isa, int itemsize) except NULL:
    """Return the variant of a function for an instruction set and a precision."""
    cdef const char *wanted = PyUnicode_AsUTF8(isa)
    while entries.isa != NULL:
        if entries.bits == 8 * itemsize and strcmp(entries.isa, wanted) == 0:
            return entries
        entries += 1
    raise ValueError(f"no code for {isa} with {8 * itemsize} bits is in this module")


cdef ptrdiff_t size_of(sizes, str dim) except -1:
    """Return the size of a dimension; a product of two of them and of as many matrices as there are does not overflow."""
    cdef ptrdiff_t size = sizes[dim]
    if not 0 <= size <= MOST_LANES:
        raise ValueError(f"{dim} = {size}: expected a size from 0 to {MOST_LANES}")
    return size


cdef sc_span span_of(sizes, bint by_rows) except *:
    """Return the part of the sequence that a call treats: all of it."""
    cdef sc_span span
    span.steps, span.batch, span.chunk, span.first = sizes["T"], sizes["B"], sizes[".chunk"], 0
    span.start, span.rows, span.packed, span.by_rows = 0, span.batch, sizes[".packed"], by_rows
    if span.batch < 0 or span.chunk < 1 or span.steps < 0 or not PACK_FIRST <= span.packed <= PACK_AS_USED:
        raise ValueError(f"impossible sizes {sizes}")
    return span


cdef sc_memory memory_of(table, list arrays, sc_array *found, Py_ssize_t room) except *:
    """Return the places of `room` buffers, and where the arrays are in which they lie. The caller keeps both alive."""
    cdef sc_memory memory
    cdef Py_buffer view
    memory.places = <const sc_place *>address("the table of places", table, room * sizeof(sc_place), False)
    memory.arrays, memory.count = found, len(arrays)
    if memory.count > room:
        raise ValueError(f"{memory.count} arrays for {room} buffers")
    for k in range(memory.count):
        PyObject_GetBuffer(arrays[k], &view, PyBUF_SIMPLE)
        found[k].base, found[k].bytes, found[k].fixed = <char *>view.buf, view.len, view.readonly
        PyBuffer_Release(&view)
    return memory


cdef int bind(sc_rows *rows, str name, const sc_memory *memory, Py_ssize_t k, const sc_span *span, ptrdiff_t width,
              ptrdiff_t itemsize, ptrdiff_t direction) except -1:
    """Point at buffer k, whose rows have `width` numbers; NULL where this run does not keep it. direction: of time."""
    cdef const sc_place *place = &memory.places[k]
    cdef ptrdiff_t count = span.steps
    rows.base, rows.width, rows.size = NULL, width, span.batch * width
    rows.mask, rows.ahead, rows.chunked = -1, 0, 0
    if place.array < 0:
        return 0
    if place.kind == ALL or place.kind == HISTORY:
        rows.ahead = direction * rows.size
        count += place.kind == HISTORY
    elif place.kind == CHUNK:
        count, rows.chunked = span.chunk, 1
    elif place.kind == RING:
        count, rows.mask = 2, 1
    else:
        count, rows.mask = 1, 0
    if place.array >= memory.count or not 0 <= place.start <= MOST or not 0 <= place.count <= MOST:
        raise ValueError(f"{name} lies in array {place.array} of {memory.count}")
    cdef const sc_array *array = &memory.arrays[place.array]
    if <double>count * span.batch * width > MOST or place.count < count * rows.size:
        raise ValueError(f"{name} has {place.count} numbers, {count * rows.size} are needed")
    if array.bytes < (place.start + place.count) * itemsize:
        raise ValueError(f"{name} ends at byte {(place.start + place.count) * itemsize} of {array.bytes}")
    if array.fixed and place.kind != ALL and place.kind != SEQUENCE:  # those a caller may have made read-only
        raise ValueError(f"{name} is read-only")
    rows.base = array.base + place.start * itemsize
    return 0


cdef void *address(str name, array, ptrdiff_t length, bint writable) except? NULL:
    """Return where a contiguous array of `length` bytes begins. The caller keeps the array alive."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_WRITABLE if writable else PyBUF_SIMPLE)
    cdef void *base = view.buf
    cdef ptrdiff_t found = view.len
    PyBuffer_Release(&view)
    if found < length:
        raise ValueError(f"{name} has {found} bytes, {length} are needed")
    return base


cdef void run(const sc_entry *entry, void *call, size_t length, sc_team *team, int threads) noexcept nogil:
    """Run a pass, a call of so many bytes with its team in it, on up to so many threads."""
    sc_run(entry.run, call, length, team, threads)

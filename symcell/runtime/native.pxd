# cython: language_level=3
"""What a generated kernel takes from symcell.runtime.native."""

cdef extern from "symcell/memory.h":
    cdef struct sc_rows:
        void *base
        ptrdiff_t width, size, mask, ahead, chunked
    cdef struct sc_team:
        pass
    cdef struct sc_span:
        ptrdiff_t steps, batch, chunk, first, rows, packed, by_rows
        ptrdiff_t start "from"
        sc_team team
    cdef struct sc_entry:
        const char *isa
        int bits
        void (*run)(void *) noexcept nogil

cdef struct sc_place:  # where a buffer lies: in which array, from which number on, how many
    long long array, start, count, kind
cdef struct sc_array:
    char *base
    ptrdiff_t bytes
    bint fixed
cdef struct sc_memory:
    const sc_place *places
    const sc_array *arrays
    Py_ssize_t count
cdef enum:
    PACK_FIRST, PACKED, PACK_AS_USED  # what panels hold: nothing yet; weights; nothing, they are packed when used

cdef tuple names_of(const sc_entry *entries)
cdef const sc_entry *variant(const sc_entry *entries, str isa, int itemsize) except NULL
cdef ptrdiff_t size_of(sizes, str dim) except -1
cdef sc_span span_of(sizes, bint by_rows) except *
cdef sc_memory memory_of(table, list arrays, sc_array *found, Py_ssize_t room) except *
cdef int bind(sc_rows *rows, str name, const sc_memory *memory, Py_ssize_t k, const sc_span *span, ptrdiff_t width,
              ptrdiff_t itemsize, ptrdiff_t direction) except -1
cdef void *address(str name, array, ptrdiff_t length, bint writable) except? NULL
cdef void run(const sc_entry *entry, void *call, size_t length, sc_team *team, int threads) noexcept nogil


cdef inline ptrdiff_t whole_lines(ptrdiff_t lanes, ptrdiff_t itemsize) noexcept:
    """Lanes rounded up to a whole 64-byte line, which every vector length divides."""
    cdef ptrdiff_t line = 64 // itemsize
    return (lanes + line - 1) // line * line

/* Where a kernel finds its vectors in memory; the same for every instruction set and precision. */
#ifndef SYMCELL_MEMORY_H
#define SYMCELL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Rows of numbers, one per member of the batch, for the steps that a buffer holds.

   base     NULL where this run does not keep the value
   width    numbers in a row
   size     numbers in a slot, which holds one step of the whole batch
   mask     slot = step & mask: -1 keeps every step, 1 the last two, 0 one
   ahead    numbers from a step's rows to those of the step treated next, 0 where they are the same few ones
   chunked  1: steps count from the first one of the present chunk */
struct sc_rows {
    void *base;
    ptrdiff_t width;
    ptrdiff_t size;
    ptrdiff_t mask;
    ptrdiff_t ahead;
    ptrdiff_t chunked;
};

/* Who does a piece of work (symcell/team.h).

   seats    one for each part, NULL where one thread does all
   parts    how many there are, 1 where there are no seats
   own      the part that is this thread's to begin with
   stage    how many stages have been done */
struct sc_team {
    struct sc_seat *seats;
    ptrdiff_t parts, own;
    int64_t stage;
};

/* The part of a sequence that is being treated.

   steps    T
   batch    B, the rows of a slot
   chunk    steps treated together, between the loop and what runs before and after it
   first    the first step of the present chunk
   from     the first row that is treated
   rows     how many rows are
   packed   what the panels hold
   by_rows  whether each thread goes through all steps with rows of its own; else they share each stage */
struct sc_span {
    ptrdiff_t steps, batch, chunk, first, from, rows, packed, by_rows;
    struct sc_team team;
};

/* What panels hold when a pass begins: nothing yet; the weights; nothing, and since the only step uses each weight once,
   a block is packed just before, in one place for all blocks, which stays in the cache. */
enum { SC_PACK_FIRST, SC_PACKED, SC_PACK_AS_USED };

/* One factor of a panel product: K numbers in each row, rows `stride` numbers apart.

   blocks   the matrix is 0 outside of so many blocks along its diagonal; 0 or 1: it may be anything everywhere
   before   numbers at the beginning of a row that meet nothing but these zeros,
   after    and numbers at its end */
struct sc_operand {
    const void *rows;
    ptrdiff_t stride;
    ptrdiff_t K;
    ptrdiff_t blocks, before, after;
};

/* Numbers in rows, `stride` apart. */
struct sc_matrix {
    void *base;
    ptrdiff_t rows, columns, stride;
};

/* A right factor with as many rows as the left one, and where left^T right goes: products with vectors of `height` that
   are the left one, side by side, each wanted in so many blocks along its diagonal only, and 0 outside; 0 or 1: whole. */
struct sc_factor {
    struct sc_matrix right;
    void *out;
    ptrdiff_t height, blocks;
};

/* What is summed over all rows of `left`: its products with `count` factors, and itself, unless total is NULL. Threads
   share the columns; each works in memory of its own. */
struct sc_outer {
    struct sc_team team;
    struct sc_matrix left;
    const struct sc_factor *factors;
    ptrdiff_t count;
    void *total, *work;
};

/* Rows that sc_outer treats together, and bytes of memory that each part works in: most of a cache of one megabyte. */
enum { SC_OUTER_STEPS = 384, SC_OUTER_BYTES = 720 * 1024 };

/* An array, and what sc_fingerprint finds. */
struct sc_print {
    const void *bytes;
    size_t count;
    uint64_t fingerprint;
};

/* One compiled variant of a pass. */
struct sc_entry {
    const char *isa;
    int bits;
    void (*run)(void *call);
};

#endif

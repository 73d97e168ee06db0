/* Matrices that are 0 outside of blocks along their diagonal, one per head. Of `height` rows and `columns` columns, row
   i lies in block i * blocks / height, and column k in block k * blocks / columns. So the blocks of the transpose are
   the transposed ones, and they need not divide the sizes. */
#ifndef SYMCELL_DIAGONAL_H
#define SYMCELL_DIAGONAL_H

#include "symcell/team.h"

/* The columns of the blocks in which some rows lie. */
static inline struct sc_share sc_diagonal(ptrdiff_t blocks, struct sc_share rows, ptrdiff_t height, ptrdiff_t columns) {
    const ptrdiff_t first = rows.first * blocks / height, past = (rows.past - 1) * blocks / height + 1;
    return (struct sc_share){(first * columns + blocks - 1) / blocks, (past * columns + blocks - 1) / blocks};
}

#endif

/* Matrix products in registers. Included once per instruction set and precision, after begin.h.

   The matrices of a stage are packed into panels: for each block of lanes (V vectors), for each k, the
   vectors of all G accumulators side by side, [lanes/(V VL)][K][G V][VL]. A tile of R rows and N = G*V vectors
   then holds its R*N sums in registers and loads each panel vector once for all rows (Goto and van de Geijn
   2008, for the layout). In the last block, of fewer lanes, the accumulators follow each other without a gap, and
   zeros fill the last vector: two lanes of four gates are one vector, not four.

   A sum runs over k in one order whatever the tile's size, so a row's result does not depend on the batch
   around it. */
#include "symcell/diagonal.h"
#include "symcell/team.h"
#include "symcell/tiles.h"

/* This call's first row in the slot that holds step t; NULL where the run does not keep the value. */
SC_INLINE real *SC(slot)(const struct sc_rows *m, ptrdiff_t t, const struct sc_span *span) {
    if (m->base == NULL) return NULL;
    const ptrdiff_t slot = (t - (m->chunked ? span->first : 0)) & m->mask;
    return (real *)m->base + slot * m->size + span->from * m->width;
}

/* Lanes of a block that begins with the first of `lanes_left`. */
SC_INLINE ptrdiff_t SC(block_width)(ptrdiff_t lanes_left, ptrdiff_t block) {
    return lanes_left < block ? lanes_left : block;
}

/* Vectors that hold so many numbers. */
SC_INLINE int SC(vectors)(ptrdiff_t count) { return (int)((count + VL - 1) / VL); }

/* From sums of G accumulators without gaps to whole vectors of each: [i][g][lane] to [i][g][v][VL]. The last ones move
   first, so that none is written over before it has moved. */
SC_INLINE void SC(spread)(int R, int G, ptrdiff_t width, vec *sums) {
    const int V = SC(vectors)(width), N = SC(vectors)(G * width);
    for (int i = R - 1; i >= 0; --i)
        for (int g = G - 1; g >= 0; --g)
            for (int v = V - 1; v >= 0; --v)
                sums[(i * G + g) * V + v] = vget((const real *)(sums + i * N) + g * width + v * VL, width - v * VL);
}

/* Numbers from one row of a packed panel to the next, where each holds so many. */
SC_INLINE ptrdiff_t SC(panel_step)(ptrdiff_t count) { return SC(vectors)(count) * VL; }

/* sums[i][number] of a block, as its panel holds them: R rows from `row` on, `count` numbers side by side, and `step`
   from one row of the panel to the next. */
SC_INLINE void SC(panel_sums)(int R, ptrdiff_t count, const struct sc_operand *begun, const struct sc_operand *operand,
                              int operands, ptrdiff_t row, const real *panel, ptrdiff_t step, vec *sums) {
    switch (SC(vectors)(count)) {
        case 1: SC(tile_1)(R, begun, operand, operands, row, panel, step, sums); break;
        case 2: SC(tile_2)(R, begun, operand, operands, row, panel, step, sums); break;
        case 3: SC(tile_3)(R, begun, operand, operands, row, panel, step, sums); break;
        default: SC(tile_4)(R, begun, operand, operands, row, panel, step, sums); break;
    }
}

/* sums[i][g][v] of a block of `width` lanes, for R rows from `row` on and G accumulators. */
SC_INLINE void SC(panel_tile)(int R, int G, ptrdiff_t width, const struct sc_operand *operand, int operands,
                              ptrdiff_t row, const real *panel, vec *sums) {
    SC(panel_sums)(R, G * width, NULL, operand, operands, row, panel, SC(panel_step)(G * width), sums);
    if (G > 1 && width % VL != 0) SC(spread)(R, G, width, sums);
}

/* For `width` lanes from `block` on, the numbers of each operand that meet more than zeros. */
SC_INLINE void SC(keep_blocks)(struct sc_operand *operand, int operands, ptrdiff_t lanes, ptrdiff_t block,
                               ptrdiff_t width) {
    for (int s = 0; s < operands; ++s)
        if (operand[s].blocks > 1) {
            const struct sc_share own = {block, block + width};
            const struct sc_share kept = sc_diagonal(operand[s].blocks, own, lanes, operand[s].K);
            operand[s].before = kept.first;
            operand[s].after = operand[s].K - kept.past;
        }
}

/* The same, of which the first `known` operands are known before the steps: where `begun` is not NULL, begin_panel has
   left their part of the sums there, in rows of G * lanes numbers, and the tile goes on from it. */
SC_INLINE void SC(panel_tile_on)(int R, int G, ptrdiff_t width, const struct sc_operand *operand, int operands,
                                 ptrdiff_t row, const real *panel, vec *sums, int known, const real *begun,
                                 ptrdiff_t lanes, ptrdiff_t block) {
    if (begun == NULL) {
        SC(panel_tile)(R, G, width, operand, operands, row, panel, sums);
        return;
    }
    const struct sc_operand from = {begun + block * G, lanes * G, width * G};
    const ptrdiff_t step = SC(panel_step)(G * width);
    for (int s = 0; s < known; ++s) panel += operand[s].K * step;
    SC(panel_sums)(R, G * width, &from, operand + known, operands - known, row, panel, step, sums);
    if (G > 1 && width % VL != 0) SC(spread)(R, G, width, sums);
}

/* begun[row][block][number], for some rows of all steps of a chunk: the sums of a panel's first operands. K: numbers of
   all its operands; width: lanes of a block. */
static __attribute__((unused)) SC_ONE_COPY void SC(begin_panel)(int G, ptrdiff_t lanes, ptrdiff_t width, int limit,
                                                                struct sc_operand *operand, int operands,
                                                                const real *panel, ptrdiff_t K, struct sc_share rows,
                                                                real *begun) {
    for (ptrdiff_t block = 0; block < lanes; block += width) {
        const ptrdiff_t count = G * SC(block_width)(lanes - block, width);
        SC(keep_blocks)(operand, operands, lanes, block, count / G);
        for (ptrdiff_t row = rows.first; row < rows.past;) {
            const int R = SC(tile_rows)(rows.past - row, limit), N = SC(vectors)(count);
            vec sums[8 * 4];
            SC(panel_sums)(R, count, NULL, operand, operands, row, panel + block * K * G, SC(panel_step)(count), sums);
            for (int i = 0; i < R; ++i)
                for (int n = 0; n < N; ++n)
                    vput(begun + (row + i) * G * lanes + block * G + n * VL, sums[i * N + n], count - n * VL);
            row += R;
        }
    }
}

#include "symcell/packing.h"

/* GRUResetBefore: a recurrent cell, compiled by symcell 0.1.0. Generated; do not edit.

       r = sigmoid(W_r @ x + U_r @ h + b_r)
       z = sigmoid(W_z @ x + U_z @ h + b_z)
       n = tanh(W_n @ x + U_n @ (h*r) + b_n)
       h.next = h*z + n*(1 - z)

   T time steps, B members of the batch, I, H as declared. v_x is a vector in registers, m_x rows in
   memory, p_x a parameter, n_X a size. */
#ifndef SYMCELL_KERNEL_GRU_RESET_BEFORE_H
#define SYMCELL_KERNEL_GRU_RESET_BEFORE_H

#include "symcell/team.h"

/* The forward pass of one sequence. */
struct gru_reset_before_forward {
    struct sc_span span;
    ptrdiff_t n_I, n_H;
    struct sc_rows m_x; /* x: given */
    struct sc_rows m_h; /* h: carry, and the result */
    struct sc_rows m_a_r; /* a_r: on request */
    struct sc_rows m_r; /* r: tape */
    struct sc_rows m_a_z; /* a_z: on request */
    struct sc_rows m_z; /* z: tape, and read by a later stage */
    struct sc_rows m_h_r; /* h_r: tape, and read by a later stage */
    struct sc_rows m_a_n; /* a_n: on request */
    struct sc_rows m_n; /* n: tape */
    struct sc_rows m_step_0_0_begun; /* a_r.sum | a_z.sum: begun before the steps, if not in them */
    struct sc_rows m_step_1_0_begun; /* a_n.sum: begun before the steps, if not in them */
    const void *p_W_r; /* (H, I) */
    const void *p_W_z; /* (H, I) */
    const void *p_W_n; /* (H, I) */
    const void *p_U_r; /* (H, H) */
    const void *p_U_z; /* (H, H) */
    const void *p_U_n; /* (H, H) */
    const void *p_b_r; /* (H) */
    const void *p_b_z; /* (H) */
    const void *p_b_n; /* (H) */
    void *panel_step_0_0;
    void *panel_step_1_0;
};

/* The backward pass of one sequence. */
struct gru_reset_before_backward {
    struct sc_span span;
    ptrdiff_t n_I, n_H;
    struct sc_rows m_x; /* x: given */
    struct sc_rows m_h; /* h: given */
    struct sc_rows m_r; /* r: given */
    struct sc_rows m_z; /* z: given */
    struct sc_rows m_h_r; /* h_r: given */
    struct sc_rows m_n; /* n: given */
    struct sc_rows m_d_y; /* d_y: given */
    struct sc_rows m_d_h; /* d_h: carry */
    struct sc_rows m_all_deltas; /* d_a_n | d_a_z | d_a_r: side by side, so that the gradients of parameters read them once */
    struct sc_rows m_d_h_next; /* d_h.next: read by a later stage of the step */
    struct sc_rows m_U_nT_d_a_n; /* U_nT_d_a_n: read by a later stage of the step */
    struct sc_rows m_d_x; /* d_x: the result */
    const void *p_W_r; /* (H, I) */
    const void *p_W_z; /* (H, I) */
    const void *p_W_n; /* (H, I) */
    const void *p_U_r; /* (H, H) */
    const void *p_U_z; /* (H, H) */
    const void *p_U_n; /* (H, H) */
    void *panel_step_1_0;
    void *panel_step_2_0;
    void *panel_after_0;
};

#endif

#ifdef SC /* inside a region of symcell/variants.h: once per instruction set and precision */

/* The panel of W_r x + U_r h, W_z x + U_z h

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(gru_reset_before_forward_panel_step_0_0)(const struct gru_reset_before_forward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_0_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (c->n_I + c->n_H) * 2);
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 2 : 1) * VL);
    if (pack) {
        SC(pack)(panel, width, 2, 0, 0, c->p_W_r, block, c->n_I);
        SC(pack)(panel, width, 2, 0, c->n_I, c->p_U_r, block, c->n_H);
        SC(pack)(panel, width, 2, 1, 0, c->p_W_z, block, c->n_I);
        SC(pack)(panel, width, 2, 1, c->n_I, c->p_U_z, block, c->n_H);
    }
    return panel;
}

/* a_r.sum = W_r x + U_r h
   a_z.sum = W_z x + U_z h
   a_r = a_r.sum + b_r
   r = sigmoid(a_r)
   a_z = a_z.sum + b_z
   z = sigmoid(a_z)
   h_r = h*r
   reads  x, h, b_r, b_z
   writes r, z, h_r */
static void SC(gru_reset_before_forward_step_0)(const struct gru_reset_before_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    real *const m_h = SC(slot)(&c->m_h, t, &c->span);
    real *const m_r = SC(slot)(&c->m_r, t, &c->span);
    real *const m_z = SC(slot)(&c->m_z, t, &c->span);
    real *const m_h_r = SC(slot)(&c->m_h_r, t, &c->span);
    real *const m_a_r = SC(slot)(&c->m_a_r, t, &c->span);
    real *const m_a_z = SC(slot)(&c->m_a_z, t, &c->span);
    const real *const p_b_r = c->p_b_r;
    const real *const p_b_z = c->p_b_z;
    const struct sc_operand operands_0[] = {{m_x, c->n_I, c->n_I}, {m_h, c->n_H, c->n_H}};
    const real *const begun_0 = SC(slot)(&c->m_step_0_0_begun, t, &c->span);
    enum { BLOCK = (SC_REGS == 32 ? 2 : 1) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(gru_reset_before_forward_panel_step_0_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 2 * (BLOCK / VL)]; /* W_r x + U_r h, W_z x + U_z h */
            SC(panel_tile_on)(R, 2, width, operands_0, 2, row, panel_0, sums_0,
                              1, begun_0, lanes, block);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_a_r_sum = sums_0[(i * 2 + 0) * vectors + v];
                    const vec v_a_z_sum = sums_0[(i * 2 + 1) * vectors + v];
                    const vec v_b_r = vget(p_b_r + lane, n);
                    const vec v_b_z = vget(p_b_z + lane, n);
                    const vec v_h = vget(m_h + at_H, n);
                    const vec v_a_r = v_a_r_sum + v_b_r;
                    const vec v_r = vsigmoid(v_a_r);
                    const vec v_a_z = v_a_z_sum + v_b_z;
                    const vec v_z = vsigmoid(v_a_z);
                    const vec v_h_r = v_h * v_r;
                    if (m_r) vput_ahead(m_r + at_H, v_r, n, c->m_r.ahead);
                    vput_ahead(m_z + at_H, v_z, n, c->m_z.ahead);
                    vput_ahead(m_h_r + at_H, v_h_r, n, c->m_h_r.ahead);
                    if (m_a_r) vput(m_a_r + at_H, v_a_r, n);
                    if (m_a_z) vput(m_a_z + at_H, v_a_z, n);
                }
            }
            row += R;
        }
    }
}

/* The panel of W_n x + U_n h_r

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(gru_reset_before_forward_panel_step_1_0)(const struct gru_reset_before_forward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_1_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (c->n_I + c->n_H));
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack)(panel, width, 1, 0, 0, c->p_W_n, block, c->n_I);
        SC(pack)(panel, width, 1, 0, c->n_I, c->p_U_n, block, c->n_H);
    }
    return panel;
}

/* a_n.sum = W_n x + U_n h_r
   a_n = a_n.sum + b_n
   n = tanh(a_n)
   h.next = h*z + n*(1 - z)
   reads  x, h_r, b_n, h, z
   writes n, h.next */
static void SC(gru_reset_before_forward_step_1)(const struct gru_reset_before_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    real *const m_h_r = SC(slot)(&c->m_h_r, t, &c->span);
    real *const m_h = SC(slot)(&c->m_h, t, &c->span);
    real *const m_z = SC(slot)(&c->m_z, t, &c->span);
    real *const m_n = SC(slot)(&c->m_n, t, &c->span);
    real *const m_h_next = SC(slot)(&c->m_h, t + 1, &c->span);
    real *const m_a_n = SC(slot)(&c->m_a_n, t, &c->span);
    const real *const p_b_n = c->p_b_n;
    const struct sc_operand operands_0[] = {{m_x, c->n_I, c->n_I}, {m_h_r, c->n_H, c->n_H}};
    const real *const begun_0 = SC(slot)(&c->m_step_1_0_begun, t, &c->span);
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(gru_reset_before_forward_panel_step_1_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* W_n x + U_n h_r */
            SC(panel_tile_on)(R, 1, width, operands_0, 2, row, panel_0, sums_0,
                              1, begun_0, lanes, block);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_a_n_sum = sums_0[i * vectors + v];
                    const vec v_b_n = vget(p_b_n + lane, n);
                    const vec v_h = vget(m_h + at_H, n);
                    const vec v_z = vget(m_z + at_H, n);
                    const vec v_a_n = v_a_n_sum + v_b_n;
                    const vec v_n = vtanh(v_a_n);
                    const vec v_h_next = v_h * v_z + v_n * (vfill(1.0) - v_z);
                    if (m_n) vput_ahead(m_n + at_H, v_n, n, c->m_n.ahead);
                    vput_ahead(m_h_next + at_H, v_h_next, n, c->m_h.ahead);
                    if (m_a_n) vput(m_a_n + at_H, v_a_n, n);
                }
            }
            row += R;
        }
    }
}

/* For all steps of a chunk, the sums of W_r x, W_z x: the steps go on from them. */
static void SC(gru_reset_before_forward_begin_step_0_0)(const struct gru_reset_before_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                        const ptrdiff_t part) {
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    struct sc_operand operands[] = {{m_x, c->n_I, c->n_I}};
    enum { BLOCK = (SC_REGS == 32 ? 2 : 1) * VL, ROWS = 6 };
    SC(begin_panel)(2, c->n_H, BLOCK, ROWS, operands, 1, c->panel_step_0_0, c->n_I + c->n_H,
                    sc_share(&c->span.team, part, rows, 1), SC(slot)(&c->m_step_0_0_begun, t, &c->span));
}

/* For all steps of a chunk, the sums of W_n x: the steps go on from them. */
static void SC(gru_reset_before_forward_begin_step_1_0)(const struct gru_reset_before_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                        const ptrdiff_t part) {
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    struct sc_operand operands[] = {{m_x, c->n_I, c->n_I}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    SC(begin_panel)(1, c->n_H, BLOCK, ROWS, operands, 1, c->panel_step_1_0, c->n_I + c->n_H,
                    sc_share(&c->span.team, part, rows, 1), SC(slot)(&c->m_step_1_0_begun, t, &c->span));
}

/* Step by step. */
static SC_ONE_COPY void SC(gru_reset_before_forward_loop_0)(struct gru_reset_before_forward *const c, const ptrdiff_t end) {
    struct sc_span *const span = &c->span;
    for (ptrdiff_t t = span->first; t < end; ++t) {
        SC_SHARED(&span->team, part) SC(gru_reset_before_forward_step_0)(c, t, span->rows, part);
        SC_SHARED(&span->team, part) SC(gru_reset_before_forward_step_1)(c, t, span->rows, part);
    }
}

/* Chunk by chunk. What is done for all steps of a chunk at once is done step by step where a thread
   has rows of its own: those of one step and the next are not neighbours. */
static SC_ONE_COPY void SC(gru_reset_before_forward_chunks)(struct gru_reset_before_forward *const c) {
    struct sc_span *const span = &c->span;
    const int whole = span->rows == span->batch;
    for (span->first = 0; span->first < span->steps; span->first += span->chunk) {
        const ptrdiff_t end = span->steps - span->first > span->chunk ? span->first + span->chunk : span->steps;
        const ptrdiff_t steps = whole ? end - span->first : 1;
        for (ptrdiff_t t = span->first; c->m_step_0_0_begun.base && t < end; t += steps) /* unless in the steps */
            SC_SHARED(&span->team, part) SC(gru_reset_before_forward_begin_step_0_0)(c, t, steps * span->rows, part);
        for (ptrdiff_t t = span->first; c->m_step_1_0_begun.base && t < end; t += steps) /* unless in the steps */
            SC_SHARED(&span->team, part) SC(gru_reset_before_forward_begin_step_1_0)(c, t, steps * span->rows, part);
        SC(gru_reset_before_forward_loop_0)(c, end);
    }
}

/* The forward pass: pack the weights if that is not done, then go through the chunks, where threads share the rows
   each with its own. */
static void SC(gru_reset_before_forward)(void *call) {
    struct gru_reset_before_forward *const c = call;
    struct sc_span *const span = &c->span;
    if (span->packed == SC_PACK_FIRST) {
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 2 : 1) * VL);
            for (; b.first < b.past; ++b.first) SC(gru_reset_before_forward_panel_step_0_0)(c, b.first * ((SC_REGS == 32 ? 2 : 1) * VL), 1);
        }
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(gru_reset_before_forward_panel_step_1_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
    }
    if (span->rows == 0) return; /* however many steps */
    if (span->by_rows) {
        SC_SHARED(&span->team, part) {
            struct gru_reset_before_forward own = *c;
            sc_narrow(&own.span, part);
            SC(gru_reset_before_forward_chunks)(&own);
        }
    } else {
        SC(gru_reset_before_forward_chunks)(c);
    }
}

/* d_h.next = d_h.later + d_y
   d_n = d_h.next*t.0
   d_a_n = d_n*(1 - n**2)
   d_z = d_h.next*(h - n)
   d_a_z = d_z*t.0*z
   reads  d_h.later, d_y, z, n, h
   writes d_h.next, d_a_n, d_a_z */
static void SC(gru_reset_before_backward_step_0)(const struct gru_reset_before_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                 const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_d_h_later = SC(slot)(&c->m_d_h, t + 1, &c->span);
    real *const m_d_y = SC(slot)(&c->m_d_y, t, &c->span);
    real *const m_z = SC(slot)(&c->m_z, t, &c->span);
    real *const m_n = SC(slot)(&c->m_n, t, &c->span);
    real *const m_h = SC(slot)(&c->m_h, t, &c->span);
    real *const m_d_h_next = SC(slot)(&c->m_d_h_next, t, &c->span);
    real *const m_d_a_n = SC(slot)(&c->m_all_deltas, t, &c->span);
    real *const m_d_a_z = SC(slot)(&c->m_all_deltas, t, &c->span) + c->n_H;
    const struct sc_share vectors = sc_share(&c->span.team, part, lanes, VL), tall = sc_all(rows, 1);
    for (ptrdiff_t row = tall.first, i = 0; row < tall.past; ++row) {
        for (ptrdiff_t v = vectors.first; v < vectors.past; ++v) {
            const ptrdiff_t lane = v * VL, n = lanes - lane;
            const ptrdiff_t at_H = (row + i) * c->n_H + lane;
            const ptrdiff_t at_3H = (row + i) * (3 * c->n_H) + lane;
            const vec v_d_h_later = vget(m_d_h_later + at_H, n);
            const vec v_d_y = vget(m_d_y + at_H, n);
            const vec v_z = vget(m_z + at_H, n);
            const vec v_n = vget(m_n + at_H, n);
            const vec v_h = vget(m_h + at_H, n);
            const vec v_d_h_next = v_d_h_later + v_d_y;
            const vec v_t_0 = vfill(1.0) - v_z;
            const vec v_d_n = v_d_h_next * v_t_0;
            const vec v_d_a_n = v_d_n * (vfill(1.0) - v_n * v_n);
            const vec v_d_z = v_d_h_next * (v_h - v_n);
            const vec v_d_a_z = v_d_z * v_t_0 * v_z;
            vput(m_d_h_next + at_H, v_d_h_next, n);
            vput(m_d_a_n + at_3H, v_d_a_n, n);
            vput(m_d_a_z + at_3H, v_d_a_z, n);
        }
    }
}

/* The panel of U_n^T d_a_n

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(gru_reset_before_backward_panel_step_1_0)(const struct gru_reset_before_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_1_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * c->n_H);
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_U_n, block, c->n_H, c->n_H);
    }
    return panel;
}

/* U_nT_d_a_n = U_n^T d_a_n
   d_r = U_nT_d_a_n*h
   d_a_r = d_r*r*(1 - r)
   reads  d_a_n, h, r
   writes U_nT_d_a_n, d_a_r */
static void SC(gru_reset_before_backward_step_1)(const struct gru_reset_before_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                 const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_d_a_n = SC(slot)(&c->m_all_deltas, t, &c->span);
    real *const m_h = SC(slot)(&c->m_h, t, &c->span);
    real *const m_r = SC(slot)(&c->m_r, t, &c->span);
    real *const m_U_nT_d_a_n = SC(slot)(&c->m_U_nT_d_a_n, t, &c->span);
    real *const m_d_a_r = SC(slot)(&c->m_all_deltas, t, &c->span) + 2 * c->n_H;
    const struct sc_operand operands_0[] = {{m_d_a_n, 3 * c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(gru_reset_before_backward_panel_step_1_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* U_n^T d_a_n */
            SC(panel_tile)(R, 1, width, operands_0, 1, row,
                           panel_0, sums_0);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const ptrdiff_t at_3H = (row + i) * (3 * c->n_H) + lane;
                    const vec v_U_nT_d_a_n = sums_0[i * vectors + v];
                    const vec v_h = vget(m_h + at_H, n);
                    const vec v_r = vget(m_r + at_H, n);
                    const vec v_d_r = v_U_nT_d_a_n * v_h;
                    const vec v_d_a_r = v_d_r * v_r * (vfill(1.0) - v_r);
                    vput(m_U_nT_d_a_n + at_H, v_U_nT_d_a_n, n);
                    vput_ahead(m_d_a_r + at_3H, v_d_a_r, n, c->m_all_deltas.ahead);
                }
            }
            row += R;
        }
    }
}

/* The panel of U_z^T d_a_z + U_r^T d_a_r

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(gru_reset_before_backward_panel_step_2_0)(const struct gru_reset_before_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_2_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (2 * c->n_H));
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_U_z, block, c->n_H, c->n_H);
        SC(pack_transposed)(panel, width, 1, 0, c->n_H, c->p_U_r, block, c->n_H, c->n_H);
    }
    return panel;
}

/* d_h.sum = U_z^T d_a_z + U_r^T d_a_r
   d_h = U_nT_d_a_n*r + d_h.next*z + d_h.sum
   reads  d_a_z, d_a_r, U_nT_d_a_n, d_h.next, r, z
   writes d_h */
static void SC(gru_reset_before_backward_step_2)(const struct gru_reset_before_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                 const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_d_a_z = SC(slot)(&c->m_all_deltas, t, &c->span) + c->n_H;
    real *const m_d_a_r = SC(slot)(&c->m_all_deltas, t, &c->span) + 2 * c->n_H;
    real *const m_U_nT_d_a_n = SC(slot)(&c->m_U_nT_d_a_n, t, &c->span);
    real *const m_d_h_next = SC(slot)(&c->m_d_h_next, t, &c->span);
    real *const m_r = SC(slot)(&c->m_r, t, &c->span);
    real *const m_z = SC(slot)(&c->m_z, t, &c->span);
    real *const m_d_h = SC(slot)(&c->m_d_h, t, &c->span);
    const struct sc_operand operands_0[] = {{m_d_a_z, 3 * c->n_H, c->n_H}, {m_d_a_r, 3 * c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(gru_reset_before_backward_panel_step_2_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* U_z^T d_a_z + U_r^T d_a_r */
            SC(panel_tile)(R, 1, width, operands_0, 2, row,
                           panel_0, sums_0);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_d_h_sum = sums_0[i * vectors + v];
                    const vec v_U_nT_d_a_n = vget(m_U_nT_d_a_n + at_H, n);
                    const vec v_d_h_next = vget(m_d_h_next + at_H, n);
                    const vec v_r = vget(m_r + at_H, n);
                    const vec v_z = vget(m_z + at_H, n);
                    const vec v_d_h = v_U_nT_d_a_n * v_r + v_d_h_next * v_z + v_d_h_sum;
                    vput(m_d_h + at_H, v_d_h, n);
                }
            }
            row += R;
        }
    }
}

/* The panel of W_n^T d_a_n + W_z^T d_a_z + W_r^T d_a_r

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(gru_reset_before_backward_panel_after_0)(const struct gru_reset_before_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_after_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (3 * c->n_H));
    const ptrdiff_t width = SC(block_width)(c->n_I - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_W_n, block, c->n_H, c->n_I);
        SC(pack_transposed)(panel, width, 1, 0, c->n_H, c->p_W_z, block, c->n_H, c->n_I);
        SC(pack_transposed)(panel, width, 1, 0, 2 * c->n_H, c->p_W_r, block, c->n_H, c->n_I);
    }
    return panel;
}

/* d_x.sum = W_n^T d_a_n + W_z^T d_a_z + W_r^T d_a_r
   d_x = d_x.sum
   reads  d_a_n, d_a_z, d_a_r
   writes d_x */
static void SC(gru_reset_before_backward_after)(const struct gru_reset_before_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_I;
    real *const m_d_a_n = SC(slot)(&c->m_all_deltas, t, &c->span);
    real *const m_d_a_z = SC(slot)(&c->m_all_deltas, t, &c->span) + c->n_H;
    real *const m_d_a_r = SC(slot)(&c->m_all_deltas, t, &c->span) + 2 * c->n_H;
    real *const m_d_x = SC(slot)(&c->m_d_x, t, &c->span);
    const struct sc_operand operands_0[] = {{m_d_a_n, 3 * c->n_H, c->n_H}, {m_d_a_z, 3 * c->n_H, c->n_H}, {m_d_a_r, 3 * c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_all(lanes, BLOCK), tall = sc_share(&c->span.team, part, rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(gru_reset_before_backward_panel_after_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* W_n^T d_a_n + W_z^T d_a_z + W_r^T d_a_r */
            SC(panel_tile)(R, 1, width, operands_0, 3, row,
                           panel_0, sums_0);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_I = (row + i) * c->n_I + lane;
                    const vec v_d_x_sum = sums_0[i * vectors + v];
                    const vec v_d_x = v_d_x_sum;
                    vput(m_d_x + at_I, v_d_x, n);
                }
            }
            row += R;
        }
    }
}

/* Step by step, backwards. */
static SC_ONE_COPY void SC(gru_reset_before_backward_loop_0)(struct gru_reset_before_backward *const c, const ptrdiff_t end) {
    struct sc_span *const span = &c->span;
    for (ptrdiff_t t = end - 1; t >= span->first; --t) {
        SC_SHARED(&span->team, part) SC(gru_reset_before_backward_step_0)(c, t, span->rows, part);
        SC_SHARED(&span->team, part) SC(gru_reset_before_backward_step_1)(c, t, span->rows, part);
        SC_SHARED(&span->team, part) SC(gru_reset_before_backward_step_2)(c, t, span->rows, part);
    }
}

/* Chunk by chunk, the last one first. What is done for all steps of a chunk at once is done step by step where a thread
   has rows of its own: those of one step and the next are not neighbours. */
static SC_ONE_COPY void SC(gru_reset_before_backward_chunks)(struct gru_reset_before_backward *const c) {
    struct sc_span *const span = &c->span;
    const int whole = span->rows == span->batch;
    for (ptrdiff_t end = span->steps; end > 0; end -= span->chunk) {
        span->first = end > span->chunk ? end - span->chunk : 0;
        const ptrdiff_t steps = whole ? end - span->first : 1;
        SC(gru_reset_before_backward_loop_0)(c, end);
        for (ptrdiff_t t = span->first; t < end; t += steps)
            SC_SHARED(&span->team, part) SC(gru_reset_before_backward_after)(c, t, steps * span->rows, part);
    }
}

/* The backward pass: pack the weights if that is not done, then go through the chunks, where threads share the rows
   each with its own. */
static void SC(gru_reset_before_backward)(void *call) {
    struct gru_reset_before_backward *const c = call;
    struct sc_span *const span = &c->span;
    if (span->packed == SC_PACK_FIRST) {
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(gru_reset_before_backward_panel_step_1_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(gru_reset_before_backward_panel_step_2_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_I, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(gru_reset_before_backward_panel_after_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
    }
    if (span->rows == 0) return; /* however many steps */
    if (span->by_rows) {
        SC_SHARED(&span->team, part) {
            struct gru_reset_before_backward own = *c;
            sc_narrow(&own.span, part);
            SC(gru_reset_before_backward_chunks)(&own);
        }
    } else {
        SC(gru_reset_before_backward_chunks)(c);
    }
}

#endif

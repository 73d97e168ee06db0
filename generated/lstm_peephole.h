/* LSTMPeephole: a recurrent cell, compiled by symcell 0.1.0. Generated; do not edit.

       i = sigmoid(W_i @ x + U_i @ h + b_i + c*p_i)
       f = sigmoid(W_f @ x + U_f @ h + b_f + c*p_f)
       g = tanh(W_g @ x + U_g @ h + b_g)
       c.next = c*f + g*i
       o = sigmoid(W_o @ x + U_o @ h + b_o + c.next*p_o)
       h.next = o*tanh(c.next)

   T time steps, B members of the batch, I, H as declared. v_x is a vector in registers, m_x rows in
   memory, p_x a parameter, n_X a size. */
#ifndef SYMCELL_KERNEL_LSTM_PEEPHOLE_H
#define SYMCELL_KERNEL_LSTM_PEEPHOLE_H

#include "symcell/team.h"

/* The forward pass of one sequence. */
struct lstm_peephole_forward {
    struct sc_span span;
    ptrdiff_t n_I, n_H;
    struct sc_rows m_x; /* x: given */
    struct sc_rows m_h; /* h: carry, and the result */
    struct sc_rows m_c; /* c: carry, and kept for the backward pass */
    struct sc_rows m_a_i; /* a_i: on request */
    struct sc_rows m_i; /* i: tape */
    struct sc_rows m_a_f; /* a_f: on request */
    struct sc_rows m_f; /* f: tape */
    struct sc_rows m_a_g; /* a_g: on request */
    struct sc_rows m_g; /* g: tape */
    struct sc_rows m_a_o; /* a_o: on request */
    struct sc_rows m_o; /* o: tape */
    struct sc_rows m_step_0_begun; /* a_i.sum | a_f.sum | a_g.sum | a_o.sum: begun before the steps, if not in them */
    const void *p_W_i; /* (H, I) */
    const void *p_W_f; /* (H, I) */
    const void *p_W_g; /* (H, I) */
    const void *p_W_o; /* (H, I) */
    const void *p_U_i; /* (H, H) */
    const void *p_U_f; /* (H, H) */
    const void *p_U_g; /* (H, H) */
    const void *p_U_o; /* (H, H) */
    const void *p_p_i; /* (H) */
    const void *p_p_f; /* (H) */
    const void *p_p_o; /* (H) */
    const void *p_b_i; /* (H) */
    const void *p_b_f; /* (H) */
    const void *p_b_g; /* (H) */
    const void *p_b_o; /* (H) */
    void *panel_step_0;
};

/* The backward pass of one sequence. */
struct lstm_peephole_backward {
    struct sc_span span;
    ptrdiff_t n_I, n_H;
    struct sc_rows m_x; /* x: given */
    struct sc_rows m_h; /* h: given */
    struct sc_rows m_c; /* c: given */
    struct sc_rows m_i; /* i: given */
    struct sc_rows m_f; /* f: given */
    struct sc_rows m_g; /* g: given */
    struct sc_rows m_o; /* o: given */
    struct sc_rows m_d_y; /* d_y: given */
    struct sc_rows m_d_h; /* d_h: carry */
    struct sc_rows m_d_c; /* d_c: carry */
    struct sc_rows m_all_deltas; /* d_a_o | d_a_g | d_a_f | d_a_i: side by side, so that the gradients of parameters read them once */
    struct sc_rows m_d_x; /* d_x: the result */
    struct sc_rows m_d_p_i_t; /* d_p_i_t: summed over time, row by row */
    struct sc_rows m_d_p_f_t; /* d_p_f_t: summed over time, row by row */
    struct sc_rows m_d_p_o_t; /* d_p_o_t: summed over time, row by row */
    const void *p_W_i; /* (H, I) */
    const void *p_W_f; /* (H, I) */
    const void *p_W_g; /* (H, I) */
    const void *p_W_o; /* (H, I) */
    const void *p_U_i; /* (H, H) */
    const void *p_U_f; /* (H, H) */
    const void *p_U_g; /* (H, H) */
    const void *p_U_o; /* (H, H) */
    const void *p_p_i; /* (H) */
    const void *p_p_f; /* (H) */
    const void *p_p_o; /* (H) */
    void *panel_step_1_0;
    void *panel_after_0;
};

#endif

#ifdef SC /* inside a region of symcell/variants.h: once per instruction set and precision */

/* The panel of W_i x + U_i h, W_f x + U_f h, W_g x + U_g h, W_o x + U_o h

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(lstm_peephole_forward_panel_step_0)(const struct lstm_peephole_forward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (c->n_I + c->n_H) * 4);
    const ptrdiff_t width = SC(block_width)(c->n_H - block, VL);
    if (pack) {
        SC(pack)(panel, width, 4, 0, 0, c->p_W_i, block, c->n_I);
        SC(pack)(panel, width, 4, 0, c->n_I, c->p_U_i, block, c->n_H);
        SC(pack)(panel, width, 4, 1, 0, c->p_W_f, block, c->n_I);
        SC(pack)(panel, width, 4, 1, c->n_I, c->p_U_f, block, c->n_H);
        SC(pack)(panel, width, 4, 2, 0, c->p_W_g, block, c->n_I);
        SC(pack)(panel, width, 4, 2, c->n_I, c->p_U_g, block, c->n_H);
        SC(pack)(panel, width, 4, 3, 0, c->p_W_o, block, c->n_I);
        SC(pack)(panel, width, 4, 3, c->n_I, c->p_U_o, block, c->n_H);
    }
    return panel;
}

/* a_i.sum = W_i x + U_i h
   a_f.sum = W_f x + U_f h
   a_g.sum = W_g x + U_g h
   a_o.sum = W_o x + U_o h
   a_i = a_i.sum + b_i + c*p_i
   i = sigmoid(a_i)
   a_f = a_f.sum + b_f + c*p_f
   f = sigmoid(a_f)
   a_g = a_g.sum + b_g
   g = tanh(a_g)
   c.next = c*f + g*i
   a_o = a_o.sum + b_o + c.next*p_o
   o = sigmoid(a_o)
   tanh_c_next = tanh(c.next)
   h.next = o*tanh_c_next
   reads  x, h, b_i, c, p_i, b_f, p_f, b_g, b_o, p_o
   writes i, f, g, c.next, o, h.next */
static void SC(lstm_peephole_forward_step)(const struct lstm_peephole_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                           const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    real *const m_h = SC(slot)(&c->m_h, t, &c->span);
    real *const m_c = SC(slot)(&c->m_c, t, &c->span);
    real *const m_i = SC(slot)(&c->m_i, t, &c->span);
    real *const m_f = SC(slot)(&c->m_f, t, &c->span);
    real *const m_g = SC(slot)(&c->m_g, t, &c->span);
    real *const m_c_next = SC(slot)(&c->m_c, t + 1, &c->span);
    real *const m_o = SC(slot)(&c->m_o, t, &c->span);
    real *const m_h_next = SC(slot)(&c->m_h, t + 1, &c->span);
    real *const m_a_i = SC(slot)(&c->m_a_i, t, &c->span);
    real *const m_a_f = SC(slot)(&c->m_a_f, t, &c->span);
    real *const m_a_g = SC(slot)(&c->m_a_g, t, &c->span);
    real *const m_a_o = SC(slot)(&c->m_a_o, t, &c->span);
    const real *const p_b_i = c->p_b_i;
    const real *const p_p_i = c->p_p_i;
    const real *const p_b_f = c->p_b_f;
    const real *const p_p_f = c->p_p_f;
    const real *const p_b_g = c->p_b_g;
    const real *const p_b_o = c->p_b_o;
    const real *const p_p_o = c->p_p_o;
    const struct sc_operand operands_0[] = {{m_x, c->n_I, c->n_I}, {m_h, c->n_H, c->n_H}};
    const real *const begun_0 = SC(slot)(&c->m_step_0_begun, t, &c->span);
    enum { BLOCK = VL, ROWS = SC_REGS == 32 ? 6 : 3 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(lstm_peephole_forward_panel_step_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 4 * (BLOCK / VL)]; /* W_i x + U_i h, W_f x + U_f h, W_g x + U_g h, W_o x + U_o h */
            SC(panel_tile_on)(R, 4, width, operands_0, 2, row, panel_0, sums_0,
                              1, begun_0, lanes, block);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_a_i_sum = sums_0[(i * 4 + 0) * vectors + v];
                    const vec v_a_f_sum = sums_0[(i * 4 + 1) * vectors + v];
                    const vec v_a_g_sum = sums_0[(i * 4 + 2) * vectors + v];
                    const vec v_a_o_sum = sums_0[(i * 4 + 3) * vectors + v];
                    const vec v_b_i = vget(p_b_i + lane, n);
                    const vec v_c = vget(m_c + at_H, n);
                    const vec v_p_i = vget(p_p_i + lane, n);
                    const vec v_b_f = vget(p_b_f + lane, n);
                    const vec v_p_f = vget(p_p_f + lane, n);
                    const vec v_b_g = vget(p_b_g + lane, n);
                    const vec v_b_o = vget(p_b_o + lane, n);
                    const vec v_p_o = vget(p_p_o + lane, n);
                    const vec v_a_i = v_a_i_sum + v_b_i + v_c * v_p_i;
                    const vec v_i = vsigmoid(v_a_i);
                    const vec v_a_f = v_a_f_sum + v_b_f + v_c * v_p_f;
                    const vec v_f = vsigmoid(v_a_f);
                    const vec v_a_g = v_a_g_sum + v_b_g;
                    const vec v_g = vtanh(v_a_g);
                    const vec v_c_next = v_c * v_f + v_g * v_i;
                    const vec v_a_o = v_a_o_sum + v_b_o + v_c_next * v_p_o;
                    const vec v_o = vsigmoid(v_a_o);
                    const vec v_tanh_c_next = vtanh(v_c_next);
                    const vec v_h_next = v_o * v_tanh_c_next;
                    if (m_i) vput_ahead(m_i + at_H, v_i, n, c->m_i.ahead);
                    if (m_f) vput_ahead(m_f + at_H, v_f, n, c->m_f.ahead);
                    if (m_g) vput_ahead(m_g + at_H, v_g, n, c->m_g.ahead);
                    vput_ahead(m_c_next + at_H, v_c_next, n, c->m_c.ahead);
                    if (m_o) vput_ahead(m_o + at_H, v_o, n, c->m_o.ahead);
                    vput_ahead(m_h_next + at_H, v_h_next, n, c->m_h.ahead);
                    if (m_a_i) vput(m_a_i + at_H, v_a_i, n);
                    if (m_a_f) vput(m_a_f + at_H, v_a_f, n);
                    if (m_a_g) vput(m_a_g + at_H, v_a_g, n);
                    if (m_a_o) vput(m_a_o + at_H, v_a_o, n);
                }
            }
            row += R;
        }
    }
}

/* For all steps of a chunk, the sums of W_i x, W_f x, W_g x, W_o x: the steps go on from them. */
static void SC(lstm_peephole_forward_begin_step_0)(const struct lstm_peephole_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                                   const ptrdiff_t part) {
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    struct sc_operand operands[] = {{m_x, c->n_I, c->n_I}};
    enum { BLOCK = VL, ROWS = SC_REGS == 32 ? 6 : 3 };
    SC(begin_panel)(4, c->n_H, BLOCK, ROWS, operands, 1, c->panel_step_0, c->n_I + c->n_H,
                    sc_share(&c->span.team, part, rows, 1), SC(slot)(&c->m_step_0_begun, t, &c->span));
}

/* Step by step. */
static SC_ONE_COPY void SC(lstm_peephole_forward_loop_0)(struct lstm_peephole_forward *const c, const ptrdiff_t end) {
    struct sc_span *const span = &c->span;
    for (ptrdiff_t t = span->first; t < end; ++t) {
        SC_SHARED(&span->team, part) SC(lstm_peephole_forward_step)(c, t, span->rows, part);
    }
}

/* Chunk by chunk. What is done for all steps of a chunk at once is done step by step where a thread
   has rows of its own: those of one step and the next are not neighbours. */
static SC_ONE_COPY void SC(lstm_peephole_forward_chunks)(struct lstm_peephole_forward *const c) {
    struct sc_span *const span = &c->span;
    const int whole = span->rows == span->batch;
    for (span->first = 0; span->first < span->steps; span->first += span->chunk) {
        const ptrdiff_t end = span->steps - span->first > span->chunk ? span->first + span->chunk : span->steps;
        const ptrdiff_t steps = whole ? end - span->first : 1;
        for (ptrdiff_t t = span->first; c->m_step_0_begun.base && t < end; t += steps) /* unless in the steps */
            SC_SHARED(&span->team, part) SC(lstm_peephole_forward_begin_step_0)(c, t, steps * span->rows, part);
        SC(lstm_peephole_forward_loop_0)(c, end);
    }
}

/* The forward pass: pack the weights if that is not done, then go through the chunks, where threads share the rows
   each with its own. */
static void SC(lstm_peephole_forward)(void *call) {
    struct lstm_peephole_forward *const c = call;
    struct sc_span *const span = &c->span;
    if (span->packed == SC_PACK_FIRST) {
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, VL);
            for (; b.first < b.past; ++b.first) SC(lstm_peephole_forward_panel_step_0)(c, b.first * (VL), 1);
        }
    }
    if (span->rows == 0) return; /* however many steps */
    if (span->by_rows) {
        SC_SHARED(&span->team, part) {
            struct lstm_peephole_forward own = *c;
            sc_narrow(&own.span, part);
            SC(lstm_peephole_forward_chunks)(&own);
        }
    } else {
        SC(lstm_peephole_forward_chunks)(c);
    }
}

/* tanh_c_next = tanh(c.next)
   d_h.next = d_h.later + d_y
   d_tanh_c_next = d_h.next*o
   d_o = d_h.next*tanh_c_next
   d_a_o = d_o*o*(1 - o)
   d_c.next = d_a_o*p_o + d_c.later + d_tanh_c_next*(1 - tanh_c_next**2)
   d_g = d_c.next*i
   d_a_g = d_g*(1 - g**2)
   d_f = c*d_c.next
   d_a_f = d_f*f*(1 - f)
   d_i = d_c.next*g
   d_a_i = d_i*i*(1 - i)
   d_c = d_a_f*p_f + d_a_i*p_i + d_c.next*f
   d_p_i_t = c*d_a_i
   d_p_f_t = c*d_a_f
   d_p_o_t = c.next*d_a_o
   reads  c.next, d_h.later, d_y, o, d_c.later, p_o, i, g, c, f, p_f, p_i
   writes d_a_o, d_a_g, d_a_f, d_a_i, d_c, d_p_i_t, d_p_f_t, d_p_o_t */
static void SC(lstm_peephole_backward_step_0)(const struct lstm_peephole_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                              const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_c_next = SC(slot)(&c->m_c, t + 1, &c->span);
    real *const m_d_h_later = SC(slot)(&c->m_d_h, t + 1, &c->span);
    real *const m_d_y = SC(slot)(&c->m_d_y, t, &c->span);
    real *const m_o = SC(slot)(&c->m_o, t, &c->span);
    real *const m_d_c_later = SC(slot)(&c->m_d_c, t + 1, &c->span);
    real *const m_i = SC(slot)(&c->m_i, t, &c->span);
    real *const m_g = SC(slot)(&c->m_g, t, &c->span);
    real *const m_c = SC(slot)(&c->m_c, t, &c->span);
    real *const m_f = SC(slot)(&c->m_f, t, &c->span);
    real *const m_d_a_o = SC(slot)(&c->m_all_deltas, t, &c->span);
    real *const m_d_a_g = SC(slot)(&c->m_all_deltas, t, &c->span) + c->n_H;
    real *const m_d_a_f = SC(slot)(&c->m_all_deltas, t, &c->span) + 2 * c->n_H;
    real *const m_d_a_i = SC(slot)(&c->m_all_deltas, t, &c->span) + 3 * c->n_H;
    real *const m_d_c = SC(slot)(&c->m_d_c, t, &c->span);
    real *const m_d_p_i_t = SC(slot)(&c->m_d_p_i_t, t, &c->span);
    real *const m_d_p_f_t = SC(slot)(&c->m_d_p_f_t, t, &c->span);
    real *const m_d_p_o_t = SC(slot)(&c->m_d_p_o_t, t, &c->span);
    const real *const p_p_o = c->p_p_o;
    const real *const p_p_f = c->p_p_f;
    const real *const p_p_i = c->p_p_i;
    const struct sc_share vectors = sc_share(&c->span.team, part, lanes, VL), tall = sc_all(rows, 1);
    for (ptrdiff_t row = tall.first, i = 0; row < tall.past; ++row) {
        for (ptrdiff_t v = vectors.first; v < vectors.past; ++v) {
            const ptrdiff_t lane = v * VL, n = lanes - lane;
            const ptrdiff_t at_H = (row + i) * c->n_H + lane;
            const ptrdiff_t at_4H = (row + i) * (4 * c->n_H) + lane;
            const vec v_c_next = vget(m_c_next + at_H, n);
            const vec v_d_h_later = vget(m_d_h_later + at_H, n);
            const vec v_d_y = vget(m_d_y + at_H, n);
            const vec v_o = vget(m_o + at_H, n);
            const vec v_d_c_later = vget(m_d_c_later + at_H, n);
            const vec v_p_o = vget(p_p_o + lane, n);
            const vec v_i = vget(m_i + at_H, n);
            const vec v_g = vget(m_g + at_H, n);
            const vec v_c = vget(m_c + at_H, n);
            const vec v_f = vget(m_f + at_H, n);
            const vec v_p_f = vget(p_p_f + lane, n);
            const vec v_p_i = vget(p_p_i + lane, n);
            const vec v_tanh_c_next = vtanh(v_c_next);
            const vec v_d_h_next = v_d_h_later + v_d_y;
            const vec v_d_tanh_c_next = v_d_h_next * v_o;
            const vec v_d_o = v_d_h_next * v_tanh_c_next;
            const vec v_d_a_o = v_d_o * v_o * (vfill(1.0) - v_o);
            const vec v_d_c_next = v_d_a_o * v_p_o + v_d_c_later + v_d_tanh_c_next * (vfill(1.0) - v_tanh_c_next * v_tanh_c_next);
            const vec v_d_g = v_d_c_next * v_i;
            const vec v_d_a_g = v_d_g * (vfill(1.0) - v_g * v_g);
            const vec v_d_f = v_c * v_d_c_next;
            const vec v_d_a_f = v_d_f * v_f * (vfill(1.0) - v_f);
            const vec v_d_i = v_d_c_next * v_g;
            const vec v_d_a_i = v_d_i * v_i * (vfill(1.0) - v_i);
            const vec v_d_c = v_d_a_f * v_p_f + v_d_a_i * v_p_i + v_d_c_next * v_f;
            const vec v_d_p_i_t = v_c * v_d_a_i;
            const vec v_d_p_f_t = v_c * v_d_a_f;
            const vec v_d_p_o_t = v_c_next * v_d_a_o;
            vput(m_d_a_o + at_4H, v_d_a_o, n);
            vput(m_d_a_g + at_4H, v_d_a_g, n);
            vput(m_d_a_f + at_4H, v_d_a_f, n);
            vput(m_d_a_i + at_4H, v_d_a_i, n);
            vput(m_d_c + at_H, v_d_c, n);
            vaccumulate(m_d_p_i_t + at_H, v_d_p_i_t, n);
            vaccumulate(m_d_p_f_t + at_H, v_d_p_f_t, n);
            vaccumulate(m_d_p_o_t + at_H, v_d_p_o_t, n);
        }
    }
}

/* The panel of U_o^T d_a_o + U_g^T d_a_g + U_f^T d_a_f + U_i^T d_a_i

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(lstm_peephole_backward_panel_step_1_0)(const struct lstm_peephole_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_1_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (4 * c->n_H));
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_U_o, block, c->n_H, c->n_H);
        SC(pack_transposed)(panel, width, 1, 0, c->n_H, c->p_U_g, block, c->n_H, c->n_H);
        SC(pack_transposed)(panel, width, 1, 0, 2 * c->n_H, c->p_U_f, block, c->n_H, c->n_H);
        SC(pack_transposed)(panel, width, 1, 0, 3 * c->n_H, c->p_U_i, block, c->n_H, c->n_H);
    }
    return panel;
}

/* d_h.sum = U_o^T d_a_o + U_g^T d_a_g + U_f^T d_a_f + U_i^T d_a_i
   d_h = d_h.sum
   reads  d_a_o, d_a_g, d_a_f, d_a_i
   writes d_h */
static void SC(lstm_peephole_backward_step_1)(const struct lstm_peephole_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                              const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_d_a_o = SC(slot)(&c->m_all_deltas, t, &c->span);
    real *const m_d_a_g = SC(slot)(&c->m_all_deltas, t, &c->span) + c->n_H;
    real *const m_d_a_f = SC(slot)(&c->m_all_deltas, t, &c->span) + 2 * c->n_H;
    real *const m_d_a_i = SC(slot)(&c->m_all_deltas, t, &c->span) + 3 * c->n_H;
    real *const m_d_h = SC(slot)(&c->m_d_h, t, &c->span);
    const struct sc_operand operands_0[] = {{m_d_a_o, 4 * c->n_H, c->n_H}, {m_d_a_g, 4 * c->n_H, c->n_H}, {m_d_a_f, 4 * c->n_H, c->n_H}, {m_d_a_i, 4 * c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(lstm_peephole_backward_panel_step_1_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* U_o^T d_a_o + U_g^T d_a_g + U_f^T d_a_f + U_i^T d_a_i */
            SC(panel_tile)(R, 1, width, operands_0, 4, row,
                           panel_0, sums_0);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_d_h_sum = sums_0[i * vectors + v];
                    const vec v_d_h = v_d_h_sum;
                    vput(m_d_h + at_H, v_d_h, n);
                }
            }
            row += R;
        }
    }
}

/* The panel of W_o^T d_a_o + W_g^T d_a_g + W_f^T d_a_f + W_i^T d_a_i

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(lstm_peephole_backward_panel_after_0)(const struct lstm_peephole_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_after_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (4 * c->n_H));
    const ptrdiff_t width = SC(block_width)(c->n_I - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_W_o, block, c->n_H, c->n_I);
        SC(pack_transposed)(panel, width, 1, 0, c->n_H, c->p_W_g, block, c->n_H, c->n_I);
        SC(pack_transposed)(panel, width, 1, 0, 2 * c->n_H, c->p_W_f, block, c->n_H, c->n_I);
        SC(pack_transposed)(panel, width, 1, 0, 3 * c->n_H, c->p_W_i, block, c->n_H, c->n_I);
    }
    return panel;
}

/* d_x.sum = W_o^T d_a_o + W_g^T d_a_g + W_f^T d_a_f + W_i^T d_a_i
   d_x = d_x.sum
   reads  d_a_o, d_a_g, d_a_f, d_a_i
   writes d_x */
static void SC(lstm_peephole_backward_after)(const struct lstm_peephole_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                             const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_I;
    real *const m_d_a_o = SC(slot)(&c->m_all_deltas, t, &c->span);
    real *const m_d_a_g = SC(slot)(&c->m_all_deltas, t, &c->span) + c->n_H;
    real *const m_d_a_f = SC(slot)(&c->m_all_deltas, t, &c->span) + 2 * c->n_H;
    real *const m_d_a_i = SC(slot)(&c->m_all_deltas, t, &c->span) + 3 * c->n_H;
    real *const m_d_x = SC(slot)(&c->m_d_x, t, &c->span);
    const struct sc_operand operands_0[] = {{m_d_a_o, 4 * c->n_H, c->n_H}, {m_d_a_g, 4 * c->n_H, c->n_H}, {m_d_a_f, 4 * c->n_H, c->n_H}, {m_d_a_i, 4 * c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_all(lanes, BLOCK), tall = sc_share(&c->span.team, part, rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(lstm_peephole_backward_panel_after_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* W_o^T d_a_o + W_g^T d_a_g + W_f^T d_a_f + W_i^T d_a_i */
            SC(panel_tile)(R, 1, width, operands_0, 4, row,
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
static SC_ONE_COPY void SC(lstm_peephole_backward_loop_0)(struct lstm_peephole_backward *const c, const ptrdiff_t end) {
    struct sc_span *const span = &c->span;
    for (ptrdiff_t t = end - 1; t >= span->first; --t) {
        SC_SHARED(&span->team, part) SC(lstm_peephole_backward_step_0)(c, t, span->rows, part);
        SC_SHARED(&span->team, part) SC(lstm_peephole_backward_step_1)(c, t, span->rows, part);
    }
}

/* Chunk by chunk, the last one first. What is done for all steps of a chunk at once is done step by step where a thread
   has rows of its own: those of one step and the next are not neighbours. */
static SC_ONE_COPY void SC(lstm_peephole_backward_chunks)(struct lstm_peephole_backward *const c) {
    struct sc_span *const span = &c->span;
    const int whole = span->rows == span->batch;
    for (ptrdiff_t end = span->steps; end > 0; end -= span->chunk) {
        span->first = end > span->chunk ? end - span->chunk : 0;
        const ptrdiff_t steps = whole ? end - span->first : 1;
        SC(lstm_peephole_backward_loop_0)(c, end);
        for (ptrdiff_t t = span->first; t < end; t += steps)
            SC_SHARED(&span->team, part) SC(lstm_peephole_backward_after)(c, t, steps * span->rows, part);
    }
}

/* The backward pass: pack the weights if that is not done, then go through the chunks, where threads share the rows
   each with its own. */
static void SC(lstm_peephole_backward)(void *call) {
    struct lstm_peephole_backward *const c = call;
    struct sc_span *const span = &c->span;
    if (span->packed == SC_PACK_FIRST) {
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(lstm_peephole_backward_panel_step_1_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_I, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(lstm_peephole_backward_panel_after_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
    }
    if (span->rows == 0) return; /* however many steps */
    if (span->by_rows) {
        SC_SHARED(&span->team, part) {
            struct lstm_peephole_backward own = *c;
            sc_narrow(&own.span, part);
            SC(lstm_peephole_backward_chunks)(&own);
        }
    } else {
        SC(lstm_peephole_backward_chunks)(c);
    }
}

#endif

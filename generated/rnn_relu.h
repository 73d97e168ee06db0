/* RNNReLU: a recurrent cell, compiled by symcell 0.1.0. Generated; do not edit.

       h.next = relu(W @ x + U @ h + b)

   T time steps, B members of the batch, I, H as declared. v_x is a vector in registers, m_x rows in
   memory, p_x a parameter, n_X a size. */
#ifndef SYMCELL_KERNEL_RNN_RELU_H
#define SYMCELL_KERNEL_RNN_RELU_H

#include "symcell/team.h"

/* The forward pass of one sequence. */
struct rnn_relu_forward {
    struct sc_span span;
    ptrdiff_t n_I, n_H;
    struct sc_rows m_x; /* x: given */
    struct sc_rows m_h; /* h: carry, and the result */
    struct sc_rows m_a_h_next; /* a_h_next: tape */
    struct sc_rows m_step_0_begun; /* a_h_next.sum: begun before the steps, if not in them */
    const void *p_W; /* (H, I) */
    const void *p_U; /* (H, H) */
    const void *p_b; /* (H) */
    void *panel_step_0;
};

/* The backward pass of one sequence. */
struct rnn_relu_backward {
    struct sc_span span;
    ptrdiff_t n_I, n_H;
    struct sc_rows m_x; /* x: given */
    struct sc_rows m_h; /* h: given */
    struct sc_rows m_a_h_next; /* a_h_next: given */
    struct sc_rows m_d_y; /* d_y: given */
    struct sc_rows m_d_h; /* d_h: carry */
    struct sc_rows m_d_a_h_next; /* d_a_h_next: side by side, so that the gradients of parameters read them once */
    struct sc_rows m_d_x; /* d_x: the result */
    const void *p_W; /* (H, I) */
    const void *p_U; /* (H, H) */
    void *panel_step_1_0;
    void *panel_after_0;
};

#endif

#ifdef SC /* inside a region of symcell/variants.h: once per instruction set and precision */

/* The panel of W x + U h

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(rnn_relu_forward_panel_step_0)(const struct rnn_relu_forward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * (c->n_I + c->n_H));
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack)(panel, width, 1, 0, 0, c->p_W, block, c->n_I);
        SC(pack)(panel, width, 1, 0, c->n_I, c->p_U, block, c->n_H);
    }
    return panel;
}

/* a_h_next.sum = W x + U h
   a_h_next = a_h_next.sum + b
   h.next = relu(a_h_next)
   reads  x, h, b
   writes a_h_next, h.next */
static void SC(rnn_relu_forward_step)(const struct rnn_relu_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                      const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    real *const m_h = SC(slot)(&c->m_h, t, &c->span);
    real *const m_a_h_next = SC(slot)(&c->m_a_h_next, t, &c->span);
    real *const m_h_next = SC(slot)(&c->m_h, t + 1, &c->span);
    const real *const p_b = c->p_b;
    const struct sc_operand operands_0[] = {{m_x, c->n_I, c->n_I}, {m_h, c->n_H, c->n_H}};
    const real *const begun_0 = SC(slot)(&c->m_step_0_begun, t, &c->span);
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(rnn_relu_forward_panel_step_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* W x + U h */
            SC(panel_tile_on)(R, 1, width, operands_0, 2, row, panel_0, sums_0,
                              1, begun_0, lanes, block);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_a_h_next_sum = sums_0[i * vectors + v];
                    const vec v_b = vget(p_b + lane, n);
                    const vec v_a_h_next = v_a_h_next_sum + v_b;
                    const vec v_h_next = vrelu(v_a_h_next);
                    if (m_a_h_next) vput_ahead(m_a_h_next + at_H, v_a_h_next, n, c->m_a_h_next.ahead);
                    vput_ahead(m_h_next + at_H, v_h_next, n, c->m_h.ahead);
                }
            }
            row += R;
        }
    }
}

/* For all steps of a chunk, the sums of W x: the steps go on from them. */
static void SC(rnn_relu_forward_begin_step_0)(const struct rnn_relu_forward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                              const ptrdiff_t part) {
    real *const m_x = SC(slot)(&c->m_x, t, &c->span);
    struct sc_operand operands[] = {{m_x, c->n_I, c->n_I}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    SC(begin_panel)(1, c->n_H, BLOCK, ROWS, operands, 1, c->panel_step_0, c->n_I + c->n_H,
                    sc_share(&c->span.team, part, rows, 1), SC(slot)(&c->m_step_0_begun, t, &c->span));
}

/* Step by step. */
static SC_ONE_COPY void SC(rnn_relu_forward_loop_0)(struct rnn_relu_forward *const c, const ptrdiff_t end) {
    struct sc_span *const span = &c->span;
    for (ptrdiff_t t = span->first; t < end; ++t) {
        SC_SHARED(&span->team, part) SC(rnn_relu_forward_step)(c, t, span->rows, part);
    }
}

/* Chunk by chunk. What is done for all steps of a chunk at once is done step by step where a thread
   has rows of its own: those of one step and the next are not neighbours. */
static SC_ONE_COPY void SC(rnn_relu_forward_chunks)(struct rnn_relu_forward *const c) {
    struct sc_span *const span = &c->span;
    const int whole = span->rows == span->batch;
    for (span->first = 0; span->first < span->steps; span->first += span->chunk) {
        const ptrdiff_t end = span->steps - span->first > span->chunk ? span->first + span->chunk : span->steps;
        const ptrdiff_t steps = whole ? end - span->first : 1;
        for (ptrdiff_t t = span->first; c->m_step_0_begun.base && t < end; t += steps) /* unless in the steps */
            SC_SHARED(&span->team, part) SC(rnn_relu_forward_begin_step_0)(c, t, steps * span->rows, part);
        SC(rnn_relu_forward_loop_0)(c, end);
    }
}

/* The forward pass: pack the weights if that is not done, then go through the chunks, where threads share the rows
   each with its own. */
static void SC(rnn_relu_forward)(void *call) {
    struct rnn_relu_forward *const c = call;
    struct sc_span *const span = &c->span;
    if (span->packed == SC_PACK_FIRST) {
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(rnn_relu_forward_panel_step_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
    }
    if (span->rows == 0) return; /* however many steps */
    if (span->by_rows) {
        SC_SHARED(&span->team, part) {
            struct rnn_relu_forward own = *c;
            sc_narrow(&own.span, part);
            SC(rnn_relu_forward_chunks)(&own);
        }
    } else {
        SC(rnn_relu_forward_chunks)(c);
    }
}

/* d_h.next = d_h.later + d_y
   d_a_h_next = d_h.next*where(a_h_next > 0, 1, 0)
   reads  d_h.later, d_y, a_h_next
   writes d_a_h_next */
static void SC(rnn_relu_backward_step_0)(const struct rnn_relu_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                         const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_d_h_later = SC(slot)(&c->m_d_h, t + 1, &c->span);
    real *const m_d_y = SC(slot)(&c->m_d_y, t, &c->span);
    real *const m_a_h_next = SC(slot)(&c->m_a_h_next, t, &c->span);
    real *const m_d_a_h_next = SC(slot)(&c->m_d_a_h_next, t, &c->span);
    const struct sc_share vectors = sc_share(&c->span.team, part, lanes, VL), tall = sc_all(rows, 1);
    for (ptrdiff_t row = tall.first, i = 0; row < tall.past; ++row) {
        for (ptrdiff_t v = vectors.first; v < vectors.past; ++v) {
            const ptrdiff_t lane = v * VL, n = lanes - lane;
            const ptrdiff_t at_H = (row + i) * c->n_H + lane;
            const vec v_d_h_later = vget(m_d_h_later + at_H, n);
            const vec v_d_y = vget(m_d_y + at_H, n);
            const vec v_a_h_next = vget(m_a_h_next + at_H, n);
            const vec v_d_h_next = v_d_h_later + v_d_y;
            const vec v_d_a_h_next = v_d_h_next * vselect((ivec)(v_a_h_next > vfill(0.0)), vfill(1.0), vfill(0.0));
            vput(m_d_a_h_next + at_H, v_d_a_h_next, n);
        }
    }
}

/* The panel of U^T d_a_h_next

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(rnn_relu_backward_panel_step_1_0)(const struct rnn_relu_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_step_1_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * c->n_H);
    const ptrdiff_t width = SC(block_width)(c->n_H - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_U, block, c->n_H, c->n_H);
    }
    return panel;
}

/* UT_d_a_h_next = U^T d_a_h_next
   d_h = UT_d_a_h_next
   reads  d_a_h_next
   writes d_h */
static void SC(rnn_relu_backward_step_1)(const struct rnn_relu_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                         const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_H;
    real *const m_d_a_h_next = SC(slot)(&c->m_d_a_h_next, t, &c->span);
    real *const m_d_h = SC(slot)(&c->m_d_h, t, &c->span);
    const struct sc_operand operands_0[] = {{m_d_a_h_next, c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_share(&c->span.team, part, lanes, BLOCK), tall = sc_all(rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(rnn_relu_backward_panel_step_1_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* U^T d_a_h_next */
            SC(panel_tile)(R, 1, width, operands_0, 1, row,
                           panel_0, sums_0);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_H = (row + i) * c->n_H + lane;
                    const vec v_UT_d_a_h_next = sums_0[i * vectors + v];
                    const vec v_d_h = v_UT_d_a_h_next;
                    vput(m_d_h + at_H, v_d_h, n);
                }
            }
            row += R;
        }
    }
}

/* The panel of W^T d_a_h_next

   Returns the block of lanes that begins with `block`, after packing it if asked to. */
static const real *SC(rnn_relu_backward_panel_after_0)(const struct rnn_relu_backward *c, const ptrdiff_t block, const int pack) {
    real *const panel = (real *)c->panel_after_0 + (c->span.packed == SC_PACK_AS_USED ? 0 : block * c->n_H);
    const ptrdiff_t width = SC(block_width)(c->n_I - block, (SC_REGS == 32 ? 4 : 2) * VL);
    if (pack) {
        SC(pack_transposed)(panel, width, 1, 0, 0, c->p_W, block, c->n_H, c->n_I);
    }
    return panel;
}

/* WT_d_a_h_next = W^T d_a_h_next
   d_x = WT_d_a_h_next
   reads  d_a_h_next
   writes d_x */
static void SC(rnn_relu_backward_after)(const struct rnn_relu_backward *c, const ptrdiff_t t, const ptrdiff_t rows,
                                        const ptrdiff_t part) {
    const ptrdiff_t lanes = c->n_I;
    real *const m_d_a_h_next = SC(slot)(&c->m_d_a_h_next, t, &c->span);
    real *const m_d_x = SC(slot)(&c->m_d_x, t, &c->span);
    const struct sc_operand operands_0[] = {{m_d_a_h_next, c->n_H, c->n_H}};
    enum { BLOCK = (SC_REGS == 32 ? 4 : 2) * VL, ROWS = 6 };
    const struct sc_share blocks = sc_all(lanes, BLOCK), tall = sc_share(&c->span.team, part, rows, 1);
    for (ptrdiff_t b = blocks.first; b < blocks.past; ++b) { /* to and fro: what the last step left in the cache first */
        const ptrdiff_t block = (t & 1 ? blocks.first + blocks.past - 1 - b : b) * BLOCK;
        const ptrdiff_t width = SC(block_width)(lanes - block, BLOCK);
        const int vectors = SC(vectors)(width);
        const real *const panel_0 = SC(rnn_relu_backward_panel_after_0)(c, block, c->span.packed == SC_PACK_AS_USED);
        for (ptrdiff_t row = tall.first; row < tall.past;) {
            const int R = SC(tile_rows)(tall.past - row, ROWS);
            vec sums_0[ROWS * 1 * (BLOCK / VL)]; /* W^T d_a_h_next */
            SC(panel_tile)(R, 1, width, operands_0, 1, row,
                           panel_0, sums_0);
            for (int i = 0; i < R; ++i) {
                for (int v = 0; v < vectors; ++v) {
                    const ptrdiff_t lane = block + v * VL, n = lanes - lane;
                    const ptrdiff_t at_I = (row + i) * c->n_I + lane;
                    const vec v_WT_d_a_h_next = sums_0[i * vectors + v];
                    const vec v_d_x = v_WT_d_a_h_next;
                    vput(m_d_x + at_I, v_d_x, n);
                }
            }
            row += R;
        }
    }
}

/* Step by step, backwards. */
static SC_ONE_COPY void SC(rnn_relu_backward_loop_0)(struct rnn_relu_backward *const c, const ptrdiff_t end) {
    struct sc_span *const span = &c->span;
    for (ptrdiff_t t = end - 1; t >= span->first; --t) {
        SC_SHARED(&span->team, part) SC(rnn_relu_backward_step_0)(c, t, span->rows, part);
        SC_SHARED(&span->team, part) SC(rnn_relu_backward_step_1)(c, t, span->rows, part);
    }
}

/* Chunk by chunk, the last one first. What is done for all steps of a chunk at once is done step by step where a thread
   has rows of its own: those of one step and the next are not neighbours. */
static SC_ONE_COPY void SC(rnn_relu_backward_chunks)(struct rnn_relu_backward *const c) {
    struct sc_span *const span = &c->span;
    const int whole = span->rows == span->batch;
    for (ptrdiff_t end = span->steps; end > 0; end -= span->chunk) {
        span->first = end > span->chunk ? end - span->chunk : 0;
        const ptrdiff_t steps = whole ? end - span->first : 1;
        SC(rnn_relu_backward_loop_0)(c, end);
        for (ptrdiff_t t = span->first; t < end; t += steps)
            SC_SHARED(&span->team, part) SC(rnn_relu_backward_after)(c, t, steps * span->rows, part);
    }
}

/* The backward pass: pack the weights if that is not done, then go through the chunks, where threads share the rows
   each with its own. */
static void SC(rnn_relu_backward)(void *call) {
    struct rnn_relu_backward *const c = call;
    struct sc_span *const span = &c->span;
    if (span->packed == SC_PACK_FIRST) {
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_H, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(rnn_relu_backward_panel_step_1_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
        SC_SHARED(&span->team, part) {
            struct sc_share b = sc_share(&span->team, part, c->n_I, (SC_REGS == 32 ? 4 : 2) * VL);
            for (; b.first < b.past; ++b.first) SC(rnn_relu_backward_panel_after_0)(c, b.first * ((SC_REGS == 32 ? 4 : 2) * VL), 1);
        }
    }
    if (span->rows == 0) return; /* however many steps */
    if (span->by_rows) {
        SC_SHARED(&span->team, part) {
            struct rnn_relu_backward own = *c;
            sc_narrow(&own.span, part);
            SC(rnn_relu_backward_chunks)(&own);
        }
    } else {
        SC(rnn_relu_backward_chunks)(c);
    }
}

#endif

/* Gradients of parameters: sums over all steps. Included once per instruction set and precision, after panels.h, whose
   tiles do the work.

   Of SC_OUTER_STEPS rows at a time, the left factor's columns become rows, so that a sum runs along memory. The rows of
   a right factor are those of a panel already and are read where they are, but for a panel that ends within a vector.
   What these rows give is added to the result: in one order, however large a tile is and however many threads share
   the columns. Tiles of a result that is 0 outside of blocks are left out where they hold nothing else. */

/* Numbers between turned columns: no power of two, or they would meet in few sets of the cache. Columns turned at once:
   what the panel leaves of the memory to work in. */
enum {
    SC(outer_stride) = SC_OUTER_STEPS + VL,
    SC(outer_columns) = (SC_OUTER_BYTES / (int)sizeof(real) - 4 * VL * SC_OUTER_STEPS) / SC(outer_stride)
};

/* Whether R rows of the result hold more than zeros in these columns. */
SC_INLINE int SC(outer_meets)(const struct sc_factor *factor, ptrdiff_t row, int R, ptrdiff_t column, ptrdiff_t width) {
    if (factor->blocks <= 1) return 1;
    const struct sc_share own = {row % factor->height, row % factor->height + R};
    if (own.past > factor->height) return 1; /* the end of one vector and the beginning of the next */
    const struct sc_share kept = sc_diagonal(factor->blocks, own, factor->height, factor->right.columns);
    return kept.first < column + width && column < kept.past;
}

/* The sums of `steps` rows for one panel, whose rows are `step` numbers apart: `width` columns of the right factor from
   `column` on, and `count` turned ones of the left factor from `first` on. */
SC_INLINE void SC(outer_panel)(const struct sc_factor *factor, const real *turned, const real *panel, ptrdiff_t step,
                               ptrdiff_t first, ptrdiff_t count, ptrdiff_t column, ptrdiff_t width, ptrdiff_t steps,
                               int add) {
    const ptrdiff_t columns = factor->right.columns;
    const int N = SC(vectors)(width), limit = SC(tile_limit)(N);
    const struct sc_operand operand[] = {{turned, SC(outer_stride), steps}};
    for (ptrdiff_t m = 0; m < count;) {
        const int R = SC(tile_rows)(count - m, limit);
        if (!SC(outer_meets)(factor, first + m, R, column, width)) {
            m += R;
            continue;
        }
        real *const out = (real *)factor->out + (first + m) * columns + column;
        vec sums[8 * 4];
        for (int i = 0; i < R && add; ++i) /* at hand once the sums are known */
            for (int n = 0; n < N; ++n) __builtin_prefetch(out + i * columns + n * VL, 1);
        SC(panel_sums)(R, width, NULL, operand, 1, m, panel, step, sums);
        for (int i = 0; i < R; ++i)
            for (int n = 0; n < N; ++n) {
                real *const to = out + i * columns + n * VL;
                if (add) vaccumulate(to, sums[i * N + n], width - n * VL);
                else vput(to, sums[i * N + n], width - n * VL);
            }
        m += R;
    }
}

/* The sums of `steps` rows for all columns of a right factor, a few vectors of them at a time. */
SC_INLINE void SC(outer_factor)(const struct sc_factor *factor, const real *turned, real *packed, ptrdiff_t first,
                                ptrdiff_t count, ptrdiff_t t, ptrdiff_t steps) {
    const struct sc_matrix *const right = &factor->right;
    const real *const rows = (const real *)right->base + t * right->stride;
    for (ptrdiff_t column = 0, width; column < right->columns; column += width) {
        const ptrdiff_t wide = SC(tile_rows)(SC(vectors)(right->columns - column), 4) * VL;
        width = SC(block_width)(right->columns - column, wide);
        const int whole = width == wide;
        if (!whole) SC(pack_transposed)(packed, width, 1, 0, 0, rows, column, steps, right->stride);
        SC(outer_panel)(factor, turned, whole ? rows + column : packed, whole ? right->stride : wide, first, count,
                        column, width, steps, t > 0);
    }
}

/* The sums of turned columns, `steps` numbers each: lane by lane, then the lanes of VL columns side by side. */
SC_INLINE void SC(outer_total)(real *total, const real *turned, ptrdiff_t count, ptrdiff_t steps, int add) {
    for (ptrdiff_t m = 0; m < count; m += VL) {
        const ptrdiff_t width = SC(block_width)(count - m, VL);
        real lanes[VL * VL], sides[VL * VL];
        for (ptrdiff_t c = 0; c < width; ++c) {
            vec sums = vfill(0.0);
            for (ptrdiff_t k = 0; k < steps; k += VL)
                sums = sums + vget(turned + (m + c) * SC(outer_stride) + k, steps - k);
            vstore(lanes + c * VL, sums);
        }
        SC(pack_rows)(sides, VL, lanes, VL, VL, width);
        vec sum = vfill(0.0);
        for (int l = 0; l < VL; ++l) sum = sum + vget(sides + l * VL, width);
        if (add) vaccumulate(total + m, sum, width);
        else vput(total + m, sum, width);
    }
}

/* The products of so few rows that turning and packing them would take longer: the same numbers. A few vectors of the
   right factor stay in registers for all rows of the result. */
SC_INLINE void SC(outer_rows)(const struct sc_outer *c, const struct sc_factor *factor, const int rows,
                              const struct sc_share columns) {
    enum { N = 4 };
    const struct sc_matrix *const left = &c->left, *const right = &factor->right;
    for (ptrdiff_t n = 0; n < right->columns; n += N * VL) {
        const ptrdiff_t width = SC(block_width)(right->columns - n, N * VL);
        vec numbers[2 * N];
        for (int k = 0; k < rows; ++k)
            for (int v = 0; v < N; ++v)
                numbers[k * N + v] = v * VL < width ? vget((const real *)right->base + k * right->stride + n + v * VL,
                                                           width - v * VL) : vfill(0.0);
        for (ptrdiff_t m = columns.first; m < columns.past; ++m)
            for (int v = 0; v < N; ++v) {
                vec sum = vfill(0.0);
                for (int k = 0; k < rows; ++k)
                    sum = vfma(vbroadcast((const real *)left->base + k * left->stride + m), numbers[k * N + v], sum);
                if (v * VL < width) vput((real *)factor->out + m * right->columns + n + v * VL, sum, width - v * VL);
            }
    }
}

static SC_ONE_COPY void SC(outer_few)(const struct sc_outer *c, const struct sc_factor *factor,
                                      const struct sc_share columns) {
    if (c->left.rows == 0) SC(outer_rows)(c, factor, 0, columns);
    else if (c->left.rows == 1) SC(outer_rows)(c, factor, 1, columns);
    else SC(outer_rows)(c, factor, 2, columns);
}

/* The sums of so few rows. */
SC_INLINE void SC(outer_few_total)(const struct sc_outer *c, const struct sc_share columns) {
    for (ptrdiff_t m = columns.first; m < columns.past; m += VL) {
        vec sum = vfill(0.0);
        for (ptrdiff_t k = 0; k < c->left.rows; ++k)
            sum = sum + vget((const real *)c->left.base + k * c->left.stride + m, columns.past - m);
        vput((real *)c->total + m, sum, columns.past - m);
    }
}

/* Zeros in some rows of the result, outside of the blocks. */
SC_INLINE void SC(outer_clear)(const struct sc_factor *factor, const struct sc_share rows) {
    const ptrdiff_t columns = factor->right.columns;
    for (ptrdiff_t m = rows.first; m < rows.past && factor->blocks > 1; ++m) {
        const struct sc_share own = {m % factor->height, m % factor->height + 1};
        const struct sc_share kept = sc_diagonal(factor->blocks, own, factor->height, columns);
        real *const out = (real *)factor->out + m * columns;
        for (ptrdiff_t k = 0; k < kept.first; ++k) out[k] = 0;
        for (ptrdiff_t k = kept.past; k < columns; ++k) out[k] = 0;
    }
}

/* The sums of some columns of the left factor, worked out in memory of SC_OUTER_BYTES. */
static void SC(outer_part)(const struct sc_outer *c, const struct sc_share columns, real *const packed) {
    real *const turned = packed + 4 * VL * SC_OUTER_STEPS;
    if (c->left.rows <= 2) {
        for (const struct sc_factor *factor = c->factors; factor < c->factors + c->count; ++factor)
            SC(outer_few)(c, factor, columns);
        if (c->total) SC(outer_few_total)(c, columns);
        return;
    }
    for (ptrdiff_t first = columns.first; first < columns.past;) {
        const ptrdiff_t blocks = (columns.past - first + SC(outer_columns) - 1) / SC(outer_columns);
        const ptrdiff_t count = (columns.past - first + blocks - 1) / blocks;
        for (ptrdiff_t t = 0; t == 0 || t < c->left.rows; t += SC_OUTER_STEPS) {
            const ptrdiff_t steps = c->left.rows - t < SC_OUTER_STEPS ? c->left.rows - t : SC_OUTER_STEPS;
            const real *const left = (const real *)c->left.base + t * c->left.stride + first;
            for (ptrdiff_t k = 0; k < steps; k += VL)
                SC(pack_rows)(turned + k, SC(outer_stride), left + k * c->left.stride, c->left.stride, count,
                              steps - k < VL ? steps - k : VL);
            if (c->total) SC(outer_total)((real *)c->total + first, turned, count, steps, t > 0);
            for (const struct sc_factor *factor = c->factors; factor < c->factors + c->count; ++factor)
                SC(outer_factor)(factor, turned, packed, first, count, t, steps);
        }
        first += count;
    }
}

/* Finds sums over all rows, a struct sc_outer. */
static __attribute__((unused)) void SC(sc_outer)(void *call) {
    struct sc_outer *const c = call;
    SC_SHARED(&c->team, part) {
        const struct sc_share columns = sc_share(&c->team, part, c->left.columns, 1);
        SC(outer_part)(c, columns, (real *)((char *)c->work + part * SC_OUTER_BYTES));
        for (ptrdiff_t k = 0; k < c->count; ++k) SC(outer_clear)(&c->factors[k], columns);
    }
}

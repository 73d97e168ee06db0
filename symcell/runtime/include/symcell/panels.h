/* Matrix products in registers. Included once per instruction set and precision, after begin.h.

   The matrices of a stage are packed into panels: for each block of lanes (V vectors), for each k, the
   vectors of all G accumulators side by side, [lanes/(V*VL)][K][G*V][VL]. A tile of R rows and N = G*V vectors
   then holds its R*N sums in registers and loads each panel vector once for all rows (Goto and van de Geijn
   2008, for the layout). Lanes past the end of a matrix are packed as zeros.

   A sum runs over k in one order whatever the tile's size, so a row's result does not depend on the batch
   around it. */

#define vget SC(vget)
#define vput SC(vput)
#define vaccumulate SC(vaccumulate)
#define vpower SC(vpower)

/* The first n lanes at p; VL of them when there are as many. */
SC_INLINE vec vget(const real *p, ptrdiff_t n) { return n >= VL ? vload(p) : vload_part(p, (long)n); }

SC_INLINE void vput(real *p, vec x, ptrdiff_t n) {
    if (n >= VL) vstore(p, x);
    else vstore_part(p, x, (long)n);
}

SC_INLINE void vaccumulate(real *p, vec x, ptrdiff_t n) { vput(p, vget(p, n) + x, n); }

/* x to a positive integer power. */
SC_INLINE vec vpower(vec x, int n) {
    vec result = x;
    for (int i = 1; i < n; ++i) result = result * x;
    return result;
}

/* Keeps a loaded vector in its register: GCC would otherwise load it again inside each FMA that uses it. */
#if defined(__x86_64__)
#define SC_PIN(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define SC_PIN(x) __asm__("" : "+w"(x))
#else
#define SC_PIN(x) (void)(x)
#endif

/* This call's first row in the slot that holds step t; NULL where the run does not keep the value. */
SC_INLINE real *SC(slot)(const struct sc_rows *m, ptrdiff_t t, const struct sc_span *span) {
    if (m->base == NULL) return NULL;
    const ptrdiff_t slot = (t - (m->chunked ? span->first : 0)) & m->mask;
    return (real *)m->base + slot * m->size + span->from * m->width;
}

/* Steps that one call of a batch stage treats: all of the chunk, if its rows follow each other in memory. */
SC_INLINE ptrdiff_t SC(together)(const struct sc_span *span, ptrdiff_t end) {
    return span->rows == span->batch ? end - span->first : 1;
}

/* Rows of the next tile: at most `limit`, and the tiles of one batch about equally tall. */
SC_INLINE int SC(tile_rows)(ptrdiff_t left, int limit) {
    const ptrdiff_t tiles = (left + limit - 1) / limit;
    return (int)((left + tiles - 1) / tiles);
}

/* sums[i][n] = over all operands and k, rows[row + i][k] * panel[k][n]. R and N are compile-time constants. */
SC_INLINE void SC(tile)(const int R, const int N, const struct sc_operand *operand, int operands, ptrdiff_t row,
                        const real *panel, vec *sums) {
    vec sum[8][4];
    for (int i = 0; i < R; ++i)
        for (int n = 0; n < N; ++n) sum[i][n] = vfill(0.0);
    for (int s = 0; s < operands; ++s) {
        const real *from[8];
        for (int i = 0; i < R; ++i) from[i] = (const real *)operand[s].rows + (row + i) * operand[s].stride;
        const ptrdiff_t K = operand[s].K;
        for (ptrdiff_t k = 0; k < K; ++k) {
            if (R < N) { /* hold whichever are fewer: sums, operands and one more must fit the registers */
                vec x[8];
                for (int i = 0; i < R; ++i) x[i] = vbroadcast(from[i] + k);
                for (int n = 0; n < N; ++n) {
                    vec p = vload(panel + n * VL);
                    SC_PIN(p);
                    for (int i = 0; i < R; ++i) sum[i][n] = vfma(x[i], p, sum[i][n]);
                }
            } else {
                vec p[4];
                for (int n = 0; n < N; ++n) {
                    p[n] = vload(panel + n * VL);
                    SC_PIN(p[n]);
                }
                for (int i = 0; i < R; ++i) {
                    const vec x = vbroadcast(from[i] + k);
                    for (int n = 0; n < N; ++n) sum[i][n] = vfma(x, p[n], sum[i][n]);
                }
            }
            panel += N * VL;
        }
    }
    for (int i = 0; i < R; ++i)
        for (int n = 0; n < N; ++n) sums[i * N + n] = sum[i][n];
}

/* tile_N: a tile of N vectors and up to `limit` rows, as many as the registers hold. */
#define SC_TILE(N, limit)                                                                                      \
    static __attribute__((noinline)) void SC(tile_##N)(int R, const struct sc_operand *operand, int operands,  \
                                                       ptrdiff_t row, const real *panel, vec *sums) {          \
        switch (R) {                                                                                           \
            case 1: SC(tile)(1, N, operand, operands, row, panel, sums); break;                                \
            case 2: SC(tile)(2, N, operand, operands, row, panel, sums); break;                                \
            case 3: SC(tile)(3, N, operand, operands, row, panel, sums); break;                                \
            case 4: if (limit >= 4) SC(tile)(4, N, operand, operands, row, panel, sums); break;                \
            case 5: if (limit >= 5) SC(tile)(5, N, operand, operands, row, panel, sums); break;                \
            case 6: if (limit >= 6) SC(tile)(6, N, operand, operands, row, panel, sums); break;                \
            case 7: if (limit >= 7) SC(tile)(7, N, operand, operands, row, panel, sums); break;                \
            default: if (limit >= 8) SC(tile)(8, N, operand, operands, row, panel, sums); break;               \
        }                                                                                                      \
    }
#define SC_LIMIT_1 (SC_REGS == 32 ? 8 : 6)
#define SC_LIMIT_2 (SC_REGS == 32 ? 8 : 6)
#define SC_LIMIT_3 (SC_REGS == 32 ? 8 : 4)
#define SC_LIMIT_4 (SC_REGS == 32 ? 6 : 3)
SC_TILE(1, SC_LIMIT_1)
SC_TILE(2, SC_LIMIT_2)
SC_TILE(3, SC_LIMIT_3)
SC_TILE(4, SC_LIMIT_4)
#undef SC_TILE
#undef SC_LIMIT_1
#undef SC_LIMIT_2
#undef SC_LIMIT_3
#undef SC_LIMIT_4

SC_INLINE void SC(panel_tile)(int R, int N, const struct sc_operand *operand, int operands, ptrdiff_t row,
                              const real *panel, vec *sums) {
    switch (N) {
        case 1: SC(tile_1)(R, operand, operands, row, panel, sums); break;
        case 2: SC(tile_2)(R, operand, operands, row, panel, sums); break;
        case 3: SC(tile_3)(R, operand, operands, row, panel, sums); break;
        default: SC(tile_4)(R, operand, operands, row, panel, sums); break;
    }
}

/* Vectors of the block that starts at a lane: V, or what the rest of the lanes fills. */
SC_INLINE int SC(block_vectors)(ptrdiff_t lanes_left, int V) {
    const ptrdiff_t vectors = (lanes_left + VL - 1) / VL;
    return vectors < V ? (int)vectors : V;
}

/* Pack one matrix, or its transpose, as accumulator g of G, its columns at k_first of the K_total. */
static __attribute__((unused)) void SC(pack)(real *panel, int G, int V, int g, ptrdiff_t K_total, ptrdiff_t k_first,
                                             const real *matrix, ptrdiff_t lanes, ptrdiff_t K, int transposed) {
    for (ptrdiff_t lane = 0; lane < lanes; lane += VL) {
        const ptrdiff_t block = lane / (V * VL) * (V * VL);
        const int vectors = SC(block_vectors)(lanes - block, V);
        const ptrdiff_t step = (ptrdiff_t)G * vectors * VL;
        real *to = panel + block * K_total * G + k_first * step + (g * vectors + (lane - block) / VL) * VL;
        const ptrdiff_t filled = lanes - lane < VL ? lanes - lane : VL;
        if (transposed) {
            for (ptrdiff_t k = 0; k < K; ++k) {
                for (ptrdiff_t l = 0; l < filled; ++l) to[k * step + l] = matrix[k * lanes + lane + l];
                for (ptrdiff_t l = filled; l < VL; ++l) to[k * step + l] = 0;
            }
        } else {
            for (ptrdiff_t l = 0; l < VL; ++l)
                for (ptrdiff_t k = 0; k < K; ++k) to[k * step + l] = l < filled ? matrix[(lane + l) * K + k] : 0;
        }
    }
}

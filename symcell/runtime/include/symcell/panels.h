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

/* Vectors of 16 bytes, the size that all instruction sets have. */
typedef real SC(quad) __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
#if defined(__clang__) || __GNUC__ >= 12
#define SC_MIX __builtin_shufflevector
#elif SC_DOUBLE
#define SC_MIX(a, b, ...) __builtin_shuffle(a, b, (int64_t __attribute__((vector_size(16)))){__VA_ARGS__})
#else
#define SC_MIX(a, b, ...) __builtin_shuffle(a, b, (int32_t __attribute__((vector_size(16)))){__VA_ARGS__})
#endif

/* to[k * step + l] = from[l * stride + k] for a square of 16-byte vectors: loads and stores of whole vectors, where a
   plain loop would scatter single numbers. */
enum { SC(square) = 16 / sizeof(real) };

SC_INLINE void SC(turn)(real *to, ptrdiff_t step, const real *from, ptrdiff_t stride) {
    typedef SC(quad) quad;
#define FROM(l) (*(const quad *)(from + (l) * stride))
#define TO(k) (*(quad *)(to + (k) * step))
#if SC_DOUBLE
    const quad a = FROM(0), b = FROM(1);
    TO(0) = SC_MIX(a, b, 0, 2);
    TO(1) = SC_MIX(a, b, 1, 3);
#else
    const quad a = SC_MIX(FROM(0), FROM(1), 0, 4, 1, 5), b = SC_MIX(FROM(2), FROM(3), 0, 4, 1, 5);
    const quad c = SC_MIX(FROM(0), FROM(1), 2, 6, 3, 7), d = SC_MIX(FROM(2), FROM(3), 2, 6, 3, 7);
    TO(0) = SC_MIX(a, b, 0, 1, 4, 5);
    TO(1) = SC_MIX(a, b, 2, 3, 6, 7);
    TO(2) = SC_MIX(c, d, 0, 1, 4, 5);
    TO(3) = SC_MIX(c, d, 2, 3, 6, 7);
#endif
#undef FROM
#undef TO
}
#undef SC_MIX

/* One vector of lanes of W: to[k * step + l] = rows[l * K + k], and 0 for the lanes past `filled`. Strip by strip of
   one cache line, so that neither side leaves the cache half used. */
SC_INLINE void SC(pack_rows)(real *to, ptrdiff_t step, const real *rows, ptrdiff_t K, ptrdiff_t filled) {
    enum { S = SC(square), STRIP = 64 / sizeof(real) };
    const ptrdiff_t whole_l = filled / S * S, whole_k = K / S * S;
    for (ptrdiff_t strip = 0; strip < whole_k; strip += STRIP)
        for (ptrdiff_t l = 0; l < whole_l; l += S)
            for (ptrdiff_t k = strip; k < whole_k && k < strip + STRIP; k += S)
                SC(turn)(to + k * step + l, step, rows + l * K + k, K);
    for (ptrdiff_t k = 0; k < K; ++k)
        for (ptrdiff_t l = k < whole_k ? whole_l : 0; l < VL; ++l)
            to[k * step + l] = l < filled ? rows[l * K + k] : 0;
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
        if (transposed)
            for (ptrdiff_t k = 0; k < K; ++k) vstore(to + k * step, vget(matrix + k * lanes + lane, filled));
        else
            SC(pack_rows)(to, step, matrix + lane * K, K, filled);
    }
}

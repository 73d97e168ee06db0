/* Matrix products in registers. Included once per instruction set and precision, after begin.h.

   The matrices of a stage are packed into panels: for each block of lanes (V vectors), for each k, the
   vectors of all G accumulators side by side, [lanes/(V VL)][K][G V][VL]. A tile of R rows and N = G*V vectors
   then holds its R*N sums in registers and loads each panel vector once for all rows (Goto and van de Geijn
   2008, for the layout). In the last block, of fewer lanes, the accumulators follow each other without a gap, and
   zeros fill the last vector: two lanes of four gates are one vector, not four.

   A sum runs over k in one order whatever the tile's size, so a row's result does not depend on the batch
   around it. */
#include "symcell/team.h"

#define vget SC(vget)
#define vput SC(vput)
#define vput_ahead SC(vput_ahead)
#define vaccumulate SC(vaccumulate)
#define vpower SC(vpower)

/* The first n lanes at p; VL of them when there are as many. Where a masked move costs what a plain one does, it serves
   for both, without a branch. */
#if defined(SC_VARIANT_AVX512)
SC_INLINE vec vget(const real *p, ptrdiff_t n) { return vload_part(p, n < VL ? (long)n : VL); }

SC_INLINE void vput(real *p, vec x, ptrdiff_t n) { vstore_part(p, x, n < VL ? (long)n : VL); }
#else
SC_INLINE vec vget(const real *p, ptrdiff_t n) { return n >= VL ? vload(p) : vload_part(p, (long)n); }

SC_INLINE void vput(real *p, vec x, ptrdiff_t n) {
    if (n >= VL) vstore(p, x);
    else vstore_part(p, x, (long)n);
}
#endif

/* The same, and the line `ahead` numbers further on is on its way when the next step stores there. */
SC_INLINE void vput_ahead(real *p, vec x, ptrdiff_t n, ptrdiff_t ahead) {
    vput(p, x, n);
    __builtin_prefetch((const char *)p + ahead * (ptrdiff_t)sizeof *p, 1);
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

/* Rows of the next tile: at most `limit`, and the tiles of one batch about equally tall. */
SC_INLINE int SC(tile_rows)(ptrdiff_t left, int limit) {
    const ptrdiff_t tiles = (left + limit - 1) / limit;
    return (int)((left + tiles - 1) / tiles);
}

/* sums[i][n] = begun[row + i][n] + over all operands and k, rows[row + i][k] * panel[k][n]. R and N are compile-time
   constants. begun: K numbers in each row, of which the last vector may hold fewer; NULL: zeros. */
SC_INLINE void SC(tile)(const int R, const int N, const struct sc_operand *begun, const struct sc_operand *operand,
                        int operands, ptrdiff_t row, const real *panel, vec *sums) {
    vec sum[8][4];
    for (int i = 0; i < R; ++i)
        for (int n = 0; n < N; ++n) sum[i][n] = vfill(0.0);
    if (begun)
        for (int i = 0; i < R; ++i) {
            const real *const from = (const real *)begun->rows + (row + i) * begun->stride;
            for (int n = 0; n < N - 1; ++n) sum[i][n] = vload(from + n * VL);
            sum[i][N - 1] = vget(from + (N - 1) * VL, begun->K - (N - 1) * VL);
        }
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

/* Of functions this large GCC would make copies for some values of their arguments, which take time to compile and room
   in the cache of instructions, and run no faster. */
#if defined(__GNUC__) && !defined(__clang__)
#define SC_ONE_COPY __attribute__((noinline, noclone))
#else
#define SC_ONE_COPY __attribute__((noinline))
#endif

/* tile_N: a tile of N vectors and up to `limit` rows, as many as the registers hold. */
#define SC_TILE(N, limit)                                                                                      \
    static SC_ONE_COPY void SC(tile_##N)(int R, const struct sc_operand *begun, const struct sc_operand *operand,\
                                         int operands, ptrdiff_t row, const real *panel, vec *sums) {          \
        switch (R) {                                                                                           \
            case 1: SC(tile)(1, N, begun, operand, operands, row, panel, sums); break;                         \
            case 2: SC(tile)(2, N, begun, operand, operands, row, panel, sums); break;                         \
            case 3: SC(tile)(3, N, begun, operand, operands, row, panel, sums); break;                         \
            case 4: if (limit >= 4) SC(tile)(4, N, begun, operand, operands, row, panel, sums); break;         \
            case 5: if (limit >= 5) SC(tile)(5, N, begun, operand, operands, row, panel, sums); break;         \
            case 6: if (limit >= 6) SC(tile)(6, N, begun, operand, operands, row, panel, sums); break;         \
            case 7: if (limit >= 7) SC(tile)(7, N, begun, operand, operands, row, panel, sums); break;         \
            default: if (limit >= 8) SC(tile)(8, N, begun, operand, operands, row, panel, sums); break;        \
        }                                                                                                      \
    }
/* Rows that a tile of N vectors has at most. */
SC_INLINE int SC(tile_limit)(int N) { return SC_REGS == 32 ? (N == 4 ? 6 : 8) : N == 4 ? 3 : N == 3 ? 4 : 6; }

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

/* sums[i][number] of a block, as its panel holds them: R rows from `row` on, `count` numbers side by side. */
SC_INLINE void SC(panel_sums)(int R, ptrdiff_t count, const struct sc_operand *begun, const struct sc_operand *operand,
                              int operands, ptrdiff_t row, const real *panel, vec *sums) {
    switch (SC(vectors)(count)) {
        case 1: SC(tile_1)(R, begun, operand, operands, row, panel, sums); break;
        case 2: SC(tile_2)(R, begun, operand, operands, row, panel, sums); break;
        case 3: SC(tile_3)(R, begun, operand, operands, row, panel, sums); break;
        default: SC(tile_4)(R, begun, operand, operands, row, panel, sums); break;
    }
}

/* sums[i][g][v] of a block of `width` lanes, for R rows from `row` on and G accumulators. */
SC_INLINE void SC(panel_tile)(int R, int G, ptrdiff_t width, const struct sc_operand *operand, int operands,
                              ptrdiff_t row, const real *panel, vec *sums) {
    SC(panel_sums)(R, G * width, NULL, operand, operands, row, panel, sums);
    if (G > 1 && width % VL != 0) SC(spread)(R, G, width, sums);
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
    for (int s = 0; s < known; ++s) panel += operand[s].K * SC(vectors)(G * width) * VL;
    SC(panel_sums)(R, G * width, &from, operand + known, operands - known, row, panel, sums);
    if (G > 1 && width % VL != 0) SC(spread)(R, G, width, sums);
}

/* begun[row][block][number], for some rows of all steps of a chunk: the sums of a panel's first operands. K: numbers of
   all its operands; width: lanes of a block. */
static __attribute__((unused)) SC_ONE_COPY void SC(begin_panel)(int G, ptrdiff_t lanes, ptrdiff_t width, int limit,
                                                                const struct sc_operand *operand, int operands,
                                                                const real *panel, ptrdiff_t K, struct sc_share rows,
                                                                real *begun) {
    for (ptrdiff_t block = 0; block < lanes; block += width) {
        const ptrdiff_t count = G * SC(block_width)(lanes - block, width);
        for (ptrdiff_t row = rows.first; row < rows.past;) {
            const int R = SC(tile_rows)(rows.past - row, limit), N = SC(vectors)(count);
            vec sums[8 * 4];
            SC(panel_sums)(R, count, NULL, operand, operands, row, panel + block * K * G, sums);
            for (int i = 0; i < R; ++i)
                for (int n = 0; n < N; ++n)
                    vput(begun + (row + i) * G * lanes + block * G + n * VL, sums[i * N + n], count - n * VL);
            row += R;
        }
    }
}

/* Numbers in 16 bytes, within which all instruction sets can interleave. */
enum { SC(square) = 16 / sizeof(real) };

/* The 16 bytes at each of VL / S rows from `row` on, S rows apart, side by side; they begin with number k. */
SC_INLINE vec SC(pieces)(const real *const *row, ptrdiff_t k) {
    enum { S = SC(square) };
#if defined(SC_VARIANT_AVX512)
#define PIECE(j) _mm_loadu_si128((const __m128i *)(row[(j) * S] + k))
    const __m512i low = _mm512_inserti64x2(_mm512_castsi128_si512(PIECE(0)), PIECE(1), 1);
    return (vec)_mm512_inserti64x2(_mm512_inserti64x2(low, PIECE(2), 2), PIECE(3), 3);
#undef PIECE
#elif defined(SC_VARIANT_AVX2)
#define PIECE(j) _mm_loadu_si128((const __m128i *)(row[(j) * S] + k))
    return (vec)_mm256_inserti128_si256(_mm256_castsi128_si256(PIECE(0)), PIECE(1), 1);
#undef PIECE
#else
    return vload(*row + k);
#endif
}

/* In each 16 bytes, from their lower or upper half: numbers of a and b in turn, and, of float32, pairs of them. */
#if defined(SC_VARIANT_AVX512) || defined(SC_VARIANT_AVX2)
#define SC_LOW(a, b) SC_MM(unpacklo)(a, b)
#define SC_HIGH(a, b) SC_MM(unpackhi)(a, b)
#elif SC_DOUBLE
#define SC_LOW(a, b) (vec){a[0], b[0]}
#define SC_HIGH(a, b) (vec){a[1], b[1]}
#else
#define SC_LOW(a, b) (vec){a[0], b[0], a[1], b[1]}
#define SC_HIGH(a, b) (vec){a[2], b[2], a[3], b[3]}
#endif
#if defined(SC_VARIANT_AVX512)
#define SC_LOW_PAIRS(a, b) (vec)_mm512_unpacklo_pd((__m512d)(a), (__m512d)(b))
#define SC_HIGH_PAIRS(a, b) (vec)_mm512_unpackhi_pd((__m512d)(a), (__m512d)(b))
#elif defined(SC_VARIANT_AVX2)
#define SC_LOW_PAIRS(a, b) (vec)_mm256_unpacklo_pd((__m256d)(a), (__m256d)(b))
#define SC_HIGH_PAIRS(a, b) (vec)_mm256_unpackhi_pd((__m256d)(a), (__m256d)(b))
#else
#define SC_LOW_PAIRS(a, b) (vec){a[0], a[1], b[0], b[1]}
#define SC_HIGH_PAIRS(a, b) (vec){a[2], a[3], b[2], b[3]}
#endif

/* to[k * step + l] = row[l][first + k] for S numbers of VL rows, of which the first `count` are written. */
SC_INLINE void SC(turn)(real *to, ptrdiff_t step, const real *const *row, ptrdiff_t first, ptrdiff_t count) {
    const vec a = SC(pieces)(row, first), b = SC(pieces)(row + 1, first);
#if SC_DOUBLE
    vput(to, SC_LOW(a, b), count);
    vput(to + step, SC_HIGH(a, b), count);
#else
    const vec c = SC(pieces)(row + 2, first), d = SC(pieces)(row + 3, first);
    const vec low_ab = SC_LOW(a, b), high_ab = SC_HIGH(a, b), low_cd = SC_LOW(c, d), high_cd = SC_HIGH(c, d);
    vput(to, SC_LOW_PAIRS(low_ab, low_cd), count);
    vput(to + step, SC_HIGH_PAIRS(low_ab, low_cd), count);
    vput(to + 2 * step, SC_LOW_PAIRS(high_ab, high_cd), count);
    vput(to + 3 * step, SC_HIGH_PAIRS(high_ab, high_cd), count);
#endif
}
#undef SC_LOW
#undef SC_HIGH
#undef SC_LOW_PAIRS
#undef SC_HIGH_PAIRS

/* Rows as columns: to[k * step + l] = rows[l * stride + k] for `count` rows, at most VL. Squares of 16 bytes are turned
   in registers; the last one overlaps the one before it. Rows that are not there are read as the last one. */
SC_INLINE void SC(pack_rows)(real *to, ptrdiff_t step, const real *rows, ptrdiff_t stride, ptrdiff_t K,
                             ptrdiff_t count) {
    enum { S = SC(square) };
    const real *row[VL];
    for (ptrdiff_t l = 0; l < VL; ++l) row[l] = rows + (l < count ? l : count - 1) * stride;
    for (ptrdiff_t k = 0; k < K && K >= S; k += S) {
        const ptrdiff_t first = k <= K - S ? k : K - S;
        SC(turn)(to + first * step, step, row, first, count);
    }
    for (ptrdiff_t k = 0; k < K && K < S; ++k)
        for (ptrdiff_t l = 0; l < count; ++l) to[k * step + l] = row[l][k];
}

/* Zeros from the last accumulator's numbers to the end of the vector. */
SC_INLINE void SC(pack_end)(real *to, ptrdiff_t K, ptrdiff_t filled, ptrdiff_t step) {
    if (filled == step) return;
    for (ptrdiff_t k = 0; k < K; ++k)
        for (ptrdiff_t l = filled; l < step; ++l) to[k * step + l] = 0;
}

/* Pack rows of an (.., K) matrix from lane `block` on, as accumulator g of G, its columns after the first `before`. */
static __attribute__((unused)) SC_ONE_COPY void SC(pack)(real *panel, ptrdiff_t width, int G, int g, ptrdiff_t before,
                                                         const real *matrix, ptrdiff_t block, ptrdiff_t K) {
    const ptrdiff_t step = SC(vectors)(G * width) * VL;
    real *const to = panel + before * step;
    for (ptrdiff_t l = 0; l < width; l += VL)
        SC(pack_rows)(to + g * width + l, step, matrix + (block + l) * K, K, K,
                      width - l < VL ? width - l : VL);
    if (g == G - 1) SC(pack_end)(to, K, G * width, step);
}

/* The same of the transpose of a (K, lanes) matrix. */
static __attribute__((unused)) SC_ONE_COPY void SC(pack_transposed)(real *panel, ptrdiff_t width, int G, int g,
                                                                    ptrdiff_t before, const real *matrix,
                                                                    ptrdiff_t block, ptrdiff_t K, ptrdiff_t lanes) {
    const ptrdiff_t step = SC(vectors)(G * width) * VL;
    real *const to = panel + before * step;
    for (ptrdiff_t k = 0; k < K; ++k)
        for (ptrdiff_t l = 0; l < width; l += VL)
            vput(to + k * step + g * width + l, vget(matrix + k * lanes + block + l, width - l), width - l);
    if (g == G - 1) SC(pack_end)(to, K, G * width, step);
}

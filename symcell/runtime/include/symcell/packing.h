/* From matrices to panels. Included by panels.h. */

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
    const ptrdiff_t step = SC(panel_step)(G * width);
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
    const ptrdiff_t step = SC(panel_step)(G * width);
    real *const to = panel + before * step;
    for (ptrdiff_t k = 0; k < K; ++k)
        for (ptrdiff_t l = 0; l < width; l += VL)
            vput(to + k * step + g * width + l, vget(matrix + k * lanes + block + l, width - l), width - l);
    if (g == G - 1) SC(pack_end)(to, K, G * width, step);
}

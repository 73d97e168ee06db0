/* Sums of products that stay in registers, and vectors of fewer lanes. Included by panels.h. */

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

/* Rows of the next tile: at most `limit`, and the tiles of one batch about equally tall. */
SC_INLINE int SC(tile_rows)(ptrdiff_t left, int limit) {
    const ptrdiff_t tiles = (left + limit - 1) / limit;
    return (int)((left + tiles - 1) / tiles);
}

/* sums[i][n] = begun[row + i][n] + over all operands and k, rows[row + i][k] * panel[k][n], but for those k where the
   panel holds nothing but zeros around blocks. R and N are compile-time constants; step: numbers between the panel's
   rows. begun: K numbers in each row, of which the last vector may hold fewer; NULL: zeros. */
SC_INLINE void SC(tile)(const int R, const int N, const struct sc_operand *begun, const struct sc_operand *operand,
                        int operands, ptrdiff_t row, const real *panel, ptrdiff_t step, vec *sums) {
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
        const int whole = __builtin_expect(operand[s].blocks <= 1, 1);
        ptrdiff_t k = 0, past = operand[s].K;
        if (!whole) { /* a branch, which is foreseen, and nothing that the first loads wait for */
            k = operand[s].before;
            past -= operand[s].after;
            panel += k * step;
        }
        for (; k < past; ++k) {
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
            panel += step;
        }
        if (!whole) panel += operand[s].after * step;
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
    static SC_ONE_COPY void SC(tile_##N)(int R, const struct sc_operand *begun, const struct sc_operand *operand, \
                                         int operands, ptrdiff_t row, const real *panel, ptrdiff_t step,       \
                                         vec *sums) {                                                          \
        switch (R) {                                                                                           \
            case 1: SC(tile)(1, N, begun, operand, operands, row, panel, step, sums); break;                   \
            case 2: SC(tile)(2, N, begun, operand, operands, row, panel, step, sums); break;                   \
            case 3: SC(tile)(3, N, begun, operand, operands, row, panel, step, sums); break;                   \
            case 4: if (limit >= 4) SC(tile)(4, N, begun, operand, operands, row, panel, step, sums); break;   \
            case 5: if (limit >= 5) SC(tile)(5, N, begun, operand, operands, row, panel, step, sums); break;   \
            case 6: if (limit >= 6) SC(tile)(6, N, begun, operand, operands, row, panel, step, sums); break;   \
            case 7: if (limit >= 7) SC(tile)(7, N, begun, operand, operands, row, panel, step, sums); break;   \
            default: if (limit >= 8) SC(tile)(8, N, begun, operand, operands, row, panel, step, sums); break;  \
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

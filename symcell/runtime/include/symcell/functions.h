/* Elementwise functions of a vector. Included many times, by begin.h.

   No branch, no call, no lookup: every lane takes the same way, so a row's values do not depend on its
   neighbours. NaN stays NaN, infinities give the limit, results that are denormal are computed as such.

   The exponential family splits x = n ln2 + r with |r| <= ln(2)/2 and takes exp(x) = 2^n exp(r). Adding 1.5 *
   2^mantissa rounds x / ln2 to the integer n and leaves n in the low bits of the sum; shifted left, these
   become the exponent of 2^n. A bias added to the constant makes that the only integer operation. n ln2 is
   subtracted in two parts, the high one short enough for an exact product (Cody and Waite 1980).

   Largest error in float32 over all 2^32 arguments (benchmarks/accuracy.c), in units in the last place:

              avx2, avx512, neon   base (no FMA)
     exp             0.95             1.22
     tanh            1.93             1.93
     sigmoid         2.00             2.00

   The other functions stay below 4 ulp in both precisions, mostly below 2. Only gelu reaches 5 near -1 and 10
   in its tail, where half an ulp of x is worth x^2 / 2. tests/runtime/test_functions.py holds them to that. */

#include "symcell/coefficients.h"

#define vexp SC(vexp)
#define vexpm1 SC(vexpm1)
#define vlog SC(vlog)
#define vlog1p SC(vlog1p)
#define vtanh SC(vtanh)
#define vsigmoid SC(vsigmoid)
#define vsoftplus SC(vsoftplus)
#define vlogsigmoid SC(vlogsigmoid)
#define verf SC(verf)
#define vrelu SC(vrelu)
#define vhard_sigmoid SC(vhard_sigmoid)
#define vhard_tanh SC(vhard_tanh)
#define vgelu SC(vgelu)
#define vsilu SC(vsilu)
#define velu SC(velu)

/* c[0] + c[1] x + ...: Horner's scheme, the fewest instructions; other gates hide its latency. */
#define vpolynomial(x, c) SC(vpolynomial)(x, c, (int)(sizeof(c) / sizeof *(c)))
SC_INLINE vec SC(vpolynomial)(vec x, const real *c, int n) {
    vec y = vfill(c[n - 1]);
#ifndef __clang__
#pragma GCC unroll 32
#endif
    for (int i = n - 2; i >= 0; --i) y = vfma(y, x, vfill(c[i]));
    return y;
}

/* The integer n nearest to x * per_unit; the low bits of *t hold n + bias. */
SC_INLINE vec SC(vround)(vec x, double per_unit, int bias, vec *t) {
    const vec shift = vfill((double)((SC_INT)3 << (SC_MANTISSA - 1)) + bias);
    *t = vfma(x, vfill(per_unit), shift);
    return *t - shift;
}

/* 2^n, t holding n + SC_BIAS. */
SC_INLINE vec SC(vpow2)(vec t) { return (vec)((uvec)t << SC_MANTISSA); }

/* x - n ln2, with n = x / ln2 rounded; the low bits of *t hold n + 2 SC_BIAS. */
SC_INLINE vec SC(vreduce)(vec x, vec *n, vec *t) {
    *n = SC(vround)(x, 1 / SC_LN2, 2 * SC_BIAS, t);
    return vfma(*n, vfill(-SC_LN2_LOW), vfma(*n, vfill(-SC_LN2_HIGH), x));
}

/* 2^n = *a * *b: either factor is a normal number where 2^n itself overflows or underflows. */
SC_INLINE void SC(vpow2_halves)(vec t, vec *a, vec *b) {
    const uvec half = (uvec)t >> 1;
    *a = SC(vpow2)((vec)half);
    *b = SC(vpow2)((vec)((uvec)t - half));
}

/* y 2^n, rounded once where it is denormal. */
SC_INLINE vec SC(vscale)(vec y, vec n, vec t) {
#ifdef SC_VARIANT_AVX512
    (void)t;
    return SC_MM(scalef)(y, n);
#else
    vec a, b;
    (void)n;
    SC(vpow2_halves)(t, &a, &b);
    return y * a * b;
#endif
}

SC_INLINE vec vexp(vec x) {
    vec n, t;
    const vec r = SC(vreduce)(vclamp(x, SC_EXP_LOW, SC_EXP_HIGH), &n, &t);
    return SC(vscale)(vfma(r, vpolynomial(r, SC(sc_expm1)), vfill(1)), n, t);
}

/* exp(x) - 1 = (exp(r) - 1) 2^n + (2^n - 1). The parenthesis on the right is subtracted the other way around,
   so that -0 gives -0; 2^n in two factors, so that it may overflow when the result does not. */
SC_INLINE vec vexpm1(vec x) {
    vec n, t, a, b;
    const vec r = SC(vreduce)(vclamp(x, SC_EXPM1_LOW, SC_EXP_HIGH), &n, &t);
    SC(vpow2_halves)(t, &a, &b);
    const vec one_by_b = (vec)(vbits((SC_UINT)(2 * SC_BIAS) << SC_MANTISSA) - (uvec)b);
    return vfms(a, r * vpolynomial(r, SC(sc_expm1)), one_by_b - a) * b;
}

/* With a = |x| = n 2 ln2 + r, |r| <= ln2, and w = tanh(r) from an odd polynomial,

       tanh(a) = ((16^n - 1) + (16^n + 1) w) / ((16^n + 1) + (16^n - 1) w)

   Steps as wide as that leave n = 0 up to tanh(a) = 0.6, where the quotient is w itself, exact near 0. The
   denominator is taken as numerator + 2 (1 - w): far out the two then share their rounding errors, which
   with |x| instead of x stay below 2 ulp. Adding 1.5 * 2^(mantissa + 2) rounds to a multiple of 4; the bias
   must be one too, so s = 2 * 16^n, and all else is doubled. a is small enough for ln2 in one part, if
   its product is not rounded. */
SC_INLINE vec vtanh(vec x) {
    const vec size = vabs(x), a = vpick_min(vfill(SC_TANH_HIGH), size);
    const vec shift = vfill((double)((SC_INT)3 << (SC_MANTISSA + 1)) + (SC_BIAS + 1));
    const vec t = vfma(a, vfill(2 / SC_LN2), shift);
    const vec n = t - shift; /* four of the n above */
#if SC_FMA
    const vec r = vfma(n, vfill(-SC_LN2 / 2), a);
#else
    const vec r = a - n * vfill(SC_LN2_HIGH / 2) - n * vfill(SC_LN2_LOW / 2);
#endif
    const vec z = r * r, two = vfill(2);
    const vec w = vfma(r * z, vpolynomial(z, SC(sc_tanh)), r);
    const vec s = (vec)((uvec)t << (SC_MANTISSA + 2));
#if SC_FMA
    const vec numerator = vfma(s + two, w, s - two);
#else
    const vec numerator = s * w + (s - two) + (w + w); /* s w is exact, (s + 2) w would be rounded */
#endif
    const vec y = numerator / (numerator + vfma(w, vfill(-4), vfill(4)));
    return (vec)((uvec)y | ((uvec)x ^ (uvec)size));
}

/* sigmoid(x) = s / (s + q 2^shift), where s = 2^(n + shift) and q = exp(-r). The shift keeps s normal while
   the quotient goes down to the denormals. The 1 of q is added last: q alone would be rounded once more.
   x must lie between SC_LOGISTIC_LOW and SC_LOGISTIC_HIGH. */
SC_INLINE vec SC(vlogistic_parts)(vec x, vec *denominator) {
    vec t;
    const vec n = SC(vround)(x, 1 / SC_LN2, SC_BIAS + SC_LOGISTIC_SHIFT, &t);
    const vec minus_r = vfma(n, vfill(SC_LN2_LOW), vfms(n, vfill(SC_LN2_HIGH), x));
    const vec s = SC(vpow2)(t);
    *denominator = vfma(minus_r, vpolynomial(minus_r, SC(sc_expm1_scaled)), s) + vfill(SC_LOGISTIC_SCALE);
    return s;
}

SC_INLINE vec vsigmoid(vec x) {
    vec denominator;
    const vec s = SC(vlogistic_parts)(vclamp(x, SC_LOGISTIC_LOW, SC_LOGISTIC_HIGH), &denominator);
    return s / denominator;
}

/* x sigmoid(x), multiplied before dividing: a denormal sigmoid has too few digits left. */
SC_INLINE vec vsilu(vec x) {
    vec denominator;
    const vec near = vclamp(x, SC_LOGISTIC_LOW, SC_LOGISTIC_HIGH);
    const vec s = SC(vlogistic_parts)(near, &denominator);
    return vselect((ivec)(x > SC_LOGISTIC_HIGH), x, near * s / denominator);
}

SC_INLINE vec velu(vec x) { return vselect((ivec)(x > 0), x, vexpm1(x)); }

SC_INLINE vec vrelu(vec x) { return vpick_max(vfill(0), x); }

/* The sum before the product: exact near -3, where x / 6 + 1/2 would cancel. */
SC_INLINE vec vhard_sigmoid(vec x) { return vclamp((x + 3) * vfill(1. / 6), 0, 1); }

SC_INLINE vec vhard_tanh(vec x) { return vclamp(x, -1, 1); }

#include "symcell/functions_log.h"
#include "symcell/functions_erf.h"

/* Logarithms, included by functions.h: log(u) = k ln2 + log(1 + f) with 1 + f between sqrt(1/2) and sqrt(2). */

/* log(u / 2^shift) + small, for normal u > 0. With s = f / (2 + f) the logarithm of 1 + f is 2s + s R(s^2),
   written as f - (f^2/2 - s (f^2/2 + R)) because f is exact and 2s is not (as in Sun's fdlibm, 1993). */
SC_INLINE vec SC(vlog_sum)(vec u, vec shift, vec small) {
    const uvec sqrt_half = vbits(SC_SQRT_HALF_BITS);
    const uvec one = vbits((SC_UINT)SC_BIAS << SC_MANTISSA);
    const uvec bits = (uvec)u + (one - sqrt_half); /* carries into the exponent from sqrt(2) up */
    const vec f = (vec)((bits & vbits(((SC_UINT)1 << SC_MANTISSA) - 1)) + sqrt_half) - 1;

    /* The exponent as a real: put into the low bits of 2^mantissa, which is then subtracted. */
    const double magic = (double)((SC_UINT)1 << SC_MANTISSA);
    const vec k = (vec)(bits >> SC_MANTISSA | (uvec)vfill(magic)) - vfill(magic + SC_BIAS) - shift;

    const vec s = f / (f + 2), z = s * s, half = f * f * vfill(0.5);
    const vec tail = vfma(s, vfma(z, vpolynomial(z, SC(sc_log)), half), vfma(k, vfill(SC_LN2_LOW), small));
    return vfma(k, vfill(SC_LN2_HIGH), f - (half - tail));
}

/* y where the logarithm of x is a number; the limits at 0 and at infinity, NaN below 0. */
SC_INLINE vec SC(vlog_ends)(vec x, vec y) {
    const vec infinity = vfill(INFINITY);
    y = vselect((ivec)(x > 0), y, vselect((ivec)(x == 0), -infinity, vfill(NAN)));
    return vselect((ivec)(x == infinity), x, y);
}

/* A denormal is brought into range first, by a power of two. */
SC_INLINE vec vlog(vec x) {
    const ivec denormal = (ivec)(x < vfill(SC_NORMAL_MIN));
    const vec u = vselect(denormal, x * vfill(4 * (double)((SC_UINT)1 << SC_MANTISSA)), x);
    const vec shift = vselect(denormal, vfill(SC_MANTISSA + 2), vfill(0));
    return SC(vlog_ends)(x, SC(vlog_sum)(u, shift, vfill(0)));
}

/* log(u) with u = 1 + x, plus what rounding took from x, to first order: its relative size in u. */
SC_INLINE vec vlog1p(vec x) {
    const vec u = x + 1;
    const vec y = SC(vlog_ends)(u, SC(vlog_sum)(u, vfill(0), (x - (u - 1)) / u));
    return vselect((ivec)(x == 0), x, y); /* -0 stays -0 */
}

/* log(1 + exp(-|x|)): with t = exp(-|x|) and s = t / (2 + t) it is odd in s <= 1/3, accurate down to t = 0. */
SC_INLINE vec SC(vsoftplus_tail)(vec x) {
    const vec t = vexp(-vabs(x));
    const vec s = t / (t + 2);
    return s * vpolynomial(s * s, SC(sc_log1p));
}

/* log(1 + exp(x)), of which nothing cancels on either side of 0. */
SC_INLINE vec vsoftplus(vec x) { return vpick_max(vfill(0), x) + SC(vsoftplus_tail)(x); }

/* log(sigmoid(x)) = -softplus(-x) */
SC_INLINE vec vlogsigmoid(vec x) { return vpick_min(vfill(0), x) - SC(vsoftplus_tail)(x); }

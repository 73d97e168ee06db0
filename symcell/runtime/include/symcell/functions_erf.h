/* The error function and what gelu takes from it, included by functions.h. */

/* exp(z^2) erfc(z) for z = a * factor between 0 and 28: with u = 3 / (z + 3) a smooth function of u times u,
   which is how it falls off; the polynomial is in 1 - 2u, centred on 0. What divides is z, not 3: the function
   is steep in u near u = 1, where 1 - u then has no rounding error to speak of. */
SC_INLINE vec SC(verfc_scaled)(vec a, double factor) {
    const vec z = a * vfill(factor);
    const vec v = z / (z + 3), u = 1 - v;
    return u * vpolynomial(v - u, SC(sc_erfc));
}

/* exp(-a^2 factor) scale, the factor a power of two. Half of the bits of a have an exact square, what they
   leave goes into the reduced argument: a rounded square would cost a^2 ulp. */
SC_INLINE vec SC(vexp_square)(vec a, double factor, vec scale) {
    vec n, t;
    const vec head = (vec)((uvec)a & vbits((SC_UINT)SC_HEAD_BITS));
    const vec rest = (head - a) * (head + a) * vfill(factor);
    const vec r = SC(vreduce)(head * head * vfill(-factor), &n, &t) + rest;
    return SC(vscale)(vfma(scale * r, vpolynomial(r, SC(sc_expm1)), scale), n, t);
}

/* x + x P(x^2) up to 1; from there 1 - erfc(|x|) with the sign of x. */
SC_INLINE vec verf(vec x) {
    const vec a = vabs(x), square = x * x;
    const vec near = vfma(x, vpolynomial(square, SC(sc_erf)), x);
    const vec z = vpick_min(vfill(SC_ERF_HIGH), a);
    const vec far = 1 - SC(vexp_square)(z, 1, SC(verfc_scaled)(z, 1));
    const uvec sign = (uvec)x ^ (uvec)a;
    return vselect((ivec)(a < 1), near, (vec)((uvec)far | sign));
}

/* x/2 (1 + erf(x / sqrt(2))) = max(x, 0) - |x|/2 erfc(|x| / sqrt(2)): for x < 0 the tail alone, so that it
   keeps its digits down to the smallest real. */
SC_INLINE vec vgelu(vec x) {
    const vec a = vpick_min(vfill(SC_GELU_HIGH), vabs(x));
    const vec half_tail = SC(verfc_scaled)(a, 0.70710678118654752) * (a * vfill(0.5));
    return vpick_max(vfill(0), x) - SC(vexp_square)(a, 0.5, half_tail);
}

/* The vector type of a region (see begin.h) and what arithmetic operators do not cover. Included many times.

   vec is a vector of VL reals, ivec one of integers as wide; both are the compilers' own vector types, so
   kernels write a * b + c, and x > y is an ivec of 0 and -1. What follows is one instruction each wherever
   the machine has it. On x86 SC_MM(op) is the intrinsic, say _mm256_op_ps. */

#if SC_DOUBLE
#define real double
#define SC_INT int64_t
#define SC_UINT uint64_t
#define SC_MANTISSA 52 /* bits below the exponent */
#define SC_BIAS 1023   /* of the exponent */
#define VL (SC_BYTES / 8)
#else
#define real float
#define SC_INT int32_t
#define SC_UINT uint32_t
#define SC_MANTISSA 23
#define SC_BIAS 127
#define VL (SC_BYTES / 4)
#endif

typedef real SC(vec) __attribute__((vector_size(SC_BYTES)));
typedef SC_INT SC(ivec) __attribute__((vector_size(SC_BYTES)));
typedef SC_UINT SC(uvec) __attribute__((vector_size(SC_BYTES)));

#define vec SC(vec)
#define ivec SC(ivec)
#define uvec SC(uvec)
#define vload SC(vload)
#define vstore SC(vstore)
#define vload_part SC(vload_part)
#define vstore_part SC(vstore_part)
#define vfill SC(vfill)
#define vbroadcast SC(vbroadcast)
#define vfma SC(vfma)
#define vfms SC(vfms)
#define vselect SC(vselect)
#define vmax SC(vmax)
#define vmin SC(vmin)
#define vabs SC(vabs)
#define vneg SC(vneg)
#define vsqrt SC(vsqrt)
#define vsign SC(vsign)
#define vsum SC(vsum)
#define vpick_max SC(vpick_max)
#define vpick_min SC(vpick_min)
#define vclamp SC(vclamp)
#define vbits SC(vbits)

/* Unaligned; memcpy is how C says so, and compiles to one move. */
SC_INLINE vec vload(const real *p) {
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}

SC_INLINE void vstore(real *p, vec x) { memcpy(p, &x, sizeof x); }

/* The same real in every lane. */
SC_INLINE vec vbroadcast(const real *p) {
#if defined(__x86_64__)
    return SC_MM(set1)(*p);
#else
    return *p - (vec){0}; /* minus, so that -0 stays -0 */
#endif
}

SC_INLINE vec vfill(double c) {
    const real rounded = (real)c;
    return vbroadcast(&rounded);
}

/* a * b + c, rounded once where SC_FMA is 1. */
SC_INLINE vec vfma(vec a, vec b, vec c) {
#if defined(SC_NEON)
    return SC_NEON(fma)(c, a, b);
#elif SC_FMA
    return SC_MM(fmadd)(a, b, c);
#else
    return a * b + c;
#endif
}

/* a * b - c, likewise. */
SC_INLINE vec vfms(vec a, vec b, vec c) {
#if defined(SC_NEON)
    return SC_NEON(fma)(-c, a, b);
#elif SC_FMA
    return SC_MM(fmsub)(a, b, c);
#else
    return a * b - c;
#endif
}

/* a where the mask is -1, b where it is 0. */
SC_INLINE vec vselect(ivec mask, vec a, vec b) {
#if defined(SC_VARIANT_AVX512) && SC_DOUBLE
    return _mm512_mask_blend_pd(_mm512_movepi64_mask((__m512i)mask), b, a);
#elif defined(SC_VARIANT_AVX512)
    return _mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), b, a);
#elif defined(SC_VARIANT_AVX2)
    return SC_MM(blendv)(b, a, (vec)mask);
#else
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
#endif
}

/* The larger and the smaller of two; b where either is NaN, which is what x86 does in one instruction.
   With a constant for a, a NaN in b comes through. */
SC_INLINE vec vpick_max(vec a, vec b) {
#if defined(SC_NEON)
    return SC_NEON(max)(a, b); /* NaN where either is */
#elif defined(__x86_64__)
    return SC_MM(max)(a, b);
#else
    return vselect((ivec)(a > b), a, b);
#endif
}

SC_INLINE vec vpick_min(vec a, vec b) {
#if defined(SC_NEON)
    return SC_NEON(min)(a, b);
#elif defined(__x86_64__)
    return SC_MM(min)(a, b);
#else
    return vselect((ivec)(a < b), a, b);
#endif
}

/* x between two constants; NaN stays NaN. */
SC_INLINE vec vclamp(vec x, double low, double high) {
    return vpick_min(vfill(high), vpick_max(vfill(low), x));
}

/* As in NumPy: NaN where either is NaN. */
SC_INLINE vec vmax(vec a, vec b) { return vselect((ivec)(a != a), a, vpick_max(a, b)); }

SC_INLINE vec vmin(vec a, vec b) { return vselect((ivec)(a != a), a, vpick_min(a, b)); }

/* An integer in every lane. */
SC_INLINE uvec vbits(SC_UINT bits) { return bits - (uvec){0}; }

SC_INLINE vec vabs(vec x) { return (vec)((uvec)x & ~vbits((SC_UINT)1 << (8 * sizeof(real) - 1))); }

SC_INLINE vec vneg(vec x) { return -x; }

SC_INLINE vec vsqrt(vec x) {
#if defined(SC_NEON)
    return SC_NEON(sqrt)(x);
#elif defined(__x86_64__)
    return SC_MM(sqrt)(x);
#else
    for (int i = 0; i < VL; ++i) x[i] = (real)sqrt((double)x[i]); /* exact for float too */
    return x;
#endif
}

/* -1, 0 or 1; a zero or a NaN is its own sign. */
SC_INLINE vec vsign(vec x) {
    return vselect((ivec)(x > 0), vfill(1), vselect((ivec)(x < 0), vfill(-1), x));
}

/* By halves, ((0+2)+(1+3)) for four lanes: the order is fixed, it differs between vector lengths. */
SC_INLINE real vsum(vec x) {
    real lane[VL];
    vstore(lane, x);
    for (int width = VL / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
    return lane[0];
}

#include "symcell/partial.h"

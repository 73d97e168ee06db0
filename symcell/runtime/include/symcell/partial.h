/* The first n lanes of a vector, 0 < n < VL: ends of rows. Included by vector.h, once per region.

   No byte past lane n is read or written; masked moves do not fault on lanes that are masked out, so the
   end of an array may be the end of a page. */
#if defined(SC_VARIANT_AVX512)

SC_INLINE vec vload_part(const real *p, long n) { return SC_MM(maskz_loadu)((1u << n) - 1, p); }

SC_INLINE void vstore_part(real *p, vec x, long n) { SC_MM(mask_storeu)(p, (1u << n) - 1, x); }

#elif defined(SC_VARIANT_AVX2)

/* -1 in the first n lanes. */
SC_INLINE __m256i SC(part_mask)(long n) {
#if SC_DOUBLE
    return (__m256i)(((ivec){0, 1, 2, 3}) < (SC_INT)n);
#else
    return (__m256i)(((ivec){0, 1, 2, 3, 4, 5, 6, 7}) < (SC_INT)n);
#endif
}

SC_INLINE vec vload_part(const real *p, long n) { return SC_MM(maskload)(p, SC(part_mask)(n)); }

SC_INLINE void vstore_part(real *p, vec x, long n) { SC_MM(maskstore)(p, SC(part_mask)(n), x); }

#else

SC_INLINE vec vload_part(const real *p, long n) {
    real lane[VL] = {0};
    for (long i = 0; i < n; ++i) lane[i] = p[i];
    return vload(lane);
}

SC_INLINE void vstore_part(real *p, vec x, long n) {
    real lane[VL];
    vstore(lane, x);
    for (long i = 0; i < n; ++i) p[i] = lane[i];
}

#endif

/* Opens a region of vector code for one instruction set and one precision. Included many times:

       #include "symcell/isa.h"

       #define SC_VARIANT_AVX2 1      or SC_VARIANT_AVX512, SC_VARIANT_BASE, SC_VARIANT_NEON
       #define SC_DOUBLE 0            1 for float64
       #include "symcell/begin.h"
       ...                            here `real`, `vec`, `ivec`, VL, vload, vexp ... are of that kind
       #include "symcell/end.h"       undefines all of it, the two names above included

   SC(name) is the name with the kind attached, name_avx2_f32: what a region defines must be called so, and
   regions of all kinds then live in one file. SC pastes its argument as written, without expanding it.

   SC_REGS is the number of vector registers, which bounds the accumulators of a tile. */
#ifdef SC
#error "symcell/begin.h: the region before this one was not closed with symcell/end.h"
#endif
#ifndef SC_DOUBLE
#error "symcell/begin.h: define SC_DOUBLE as 0 or 1 first"
#endif

#if defined(SC_VARIANT_AVX512)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")
#endif
#define SC_BYTES 64
#define SC_REGS 32
#define SC_FMA 1
#if SC_DOUBLE
#define SC(name) name##_avx512_f64
#define SC_MM(op) _mm512_##op##_pd
#else
#define SC(name) name##_avx512_f32
#define SC_MM(op) _mm512_##op##_ps
#endif

#elif defined(SC_VARIANT_AVX2)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define SC_BYTES 32
#define SC_REGS 16
#define SC_FMA 1
#if SC_DOUBLE
#define SC(name) name##_avx2_f64
#define SC_MM(op) _mm256_##op##_pd
#else
#define SC(name) name##_avx2_f32
#define SC_MM(op) _mm256_##op##_ps
#endif

#elif defined(SC_VARIANT_NEON)
#ifndef __aarch64__
#error "symcell/begin.h: SC_VARIANT_NEON needs a 64-bit ARM compiler"
#endif
#define SC_BYTES 16
#define SC_REGS 32
#define SC_FMA 1
#if SC_DOUBLE
#define SC(name) name##_neon_f64
#define SC_NEON(op) v##op##q_f64
#else
#define SC(name) name##_neon_f32
#define SC_NEON(op) v##op##q_f32
#endif

#elif defined(SC_VARIANT_BASE)
#define SC_BYTES 16
#define SC_REGS 16
#define SC_FMA 0
#if SC_DOUBLE
#define SC(name) name##_base_f64
#define SC_MM(op) _mm_##op##_pd
#else
#define SC(name) name##_base_f32
#define SC_MM(op) _mm_##op##_ps
#endif

#else
#error "symcell/begin.h: define SC_VARIANT_AVX512, SC_VARIANT_AVX2, SC_VARIANT_BASE or SC_VARIANT_NEON first"
#endif

#include "symcell/vector.h"
#include "symcell/functions.h"

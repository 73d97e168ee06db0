/* The instruction sets a kernel exists for, and whether this machine has them.

   A kernel is written once and compiled once per variant, between begin.h and end.h:

     avx512   AVX-512 F, DQ, VL, BW and FMA    64-byte vectors, 32 registers
     avx2     AVX2 and FMA                     32-byte vectors, 16 registers
     base     x86-64 as such (SSE2), or any    16-byte vectors, 16 registers, no FMA
              machine GCC or clang compile for
     neon     64-bit ARM                       16-byte vectors, 32 registers

   All variants stand in one object file; the module asks the functions below when it is loaded and picks
   the first that says 1. `base` and `neon` hold wherever they were compiled.

   Build flags: -O3 -std=c11 -fno-math-errno -ffp-contract=off -fno-trapping-math
   Contraction is off so that a product and a sum fuse where the source says vfma and nowhere else: results
   must not depend on a compiler's mood. GCC has no pragma for that (it ignores STDC FP_CONTRACT), hence the
   flag. Neither -march=native nor -ffast-math: the first ties a binary to the machine that built it, the
   second drops NaN and signed zero, and linking with it flips denormals to 0 in the whole process. */
#ifndef SYMCELL_ISA_H
#define SYMCELL_ISA_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifdef __FAST_MATH__
#error "symcell kernels need IEEE arithmetic: compile without -ffast-math"
#endif

/* Vector functions are never called: the ABI keeps no vector register across a call. */
#define SC_INLINE static inline __attribute__((always_inline))

/* 1 when the processor and the operating system support the variant, else 0. */
static inline int sc_cpu_has_avx512(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static inline int sc_cpu_has_avx2(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static inline int sc_cpu_has_base(void) { return 1; }

static inline int sc_cpu_has_neon(void) {
#if defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}

#endif

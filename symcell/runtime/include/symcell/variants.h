/* Compiles a kernel once for each instruction set and precision.

       #define SC_KERNEL "mgu.h"
       #include "symcell/variants.h"
       static const struct sc_entry mgu_forward_entries[] = {SC_ENTRIES(mgu_forward)};

   All instruction sets that the compiler's target can have, unless SC_ONLY_AVX512, SC_ONLY_AVX2, SC_ONLY_BASE or
   SC_ONLY_NEON (one or more of them) say which: a module built on demand holds its own machine's only. */
#include "symcell/isa.h"
#include "symcell/memory.h"
#include "symcell/team.h"

#if defined(SC_ONLY_AVX512) || defined(SC_ONLY_AVX2) || defined(SC_ONLY_BASE) || defined(SC_ONLY_NEON)
#define SC_SELECTED 1
#endif

#if defined(__x86_64__) && (defined(SC_ONLY_AVX512) || !defined(SC_SELECTED))
#define SC_VARIANT_AVX512 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_VARIANT_AVX512 1
#define SC_DOUBLE 1
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_AVX512_ENTRIES(name) {"avx512", 32, name##_avx512_f32}, {"avx512", 64, name##_avx512_f64},
#else
#define SC_AVX512_ENTRIES(name)
#endif

#if defined(__x86_64__) && (defined(SC_ONLY_AVX2) || !defined(SC_SELECTED))
#define SC_VARIANT_AVX2 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_VARIANT_AVX2 1
#define SC_DOUBLE 1
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_AVX2_ENTRIES(name) {"avx2", 32, name##_avx2_f32}, {"avx2", 64, name##_avx2_f64},
#else
#define SC_AVX2_ENTRIES(name)
#endif

#if defined(__aarch64__) && (defined(SC_ONLY_NEON) || !defined(SC_SELECTED))
#define SC_VARIANT_NEON 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_VARIANT_NEON 1
#define SC_DOUBLE 1
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_NEON_ENTRIES(name) {"neon", 32, name##_neon_f32}, {"neon", 64, name##_neon_f64},
#else
#define SC_NEON_ENTRIES(name)
#endif

#if defined(SC_ONLY_BASE) || !defined(SC_SELECTED)
#define SC_VARIANT_BASE 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_VARIANT_BASE 1
#define SC_DOUBLE 1
#include "symcell/begin.h"
#include "symcell/panels.h"
#include SC_KERNEL
#include "symcell/end.h"
#define SC_BASE_ENTRIES(name) {"base", 32, name##_base_f32}, {"base", 64, name##_base_f64},
#else
#define SC_BASE_ENTRIES(name)
#endif

#define SC_ENTRIES(name)                                                                  \
    SC_AVX512_ENTRIES(name) SC_AVX2_ENTRIES(name) SC_NEON_ENTRIES(name) SC_BASE_ENTRIES(name) {NULL, 0, NULL}

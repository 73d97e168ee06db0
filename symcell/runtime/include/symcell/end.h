/* Closes a region that begin.h opened: nothing it defined remains but names with the kind attached. */
#ifndef SC
#error "symcell/end.h: no region is open"
#endif

#undef real
#undef SC_INT
#undef SC_UINT
#undef SC_MANTISSA
#undef SC_BIAS
#undef VL
#undef vec
#undef ivec
#undef uvec
#undef vload
#undef vstore
#undef vload_part
#undef vstore_part
#undef vfill
#undef vbroadcast
#undef vfma
#undef vfms
#undef vselect
#undef vmax
#undef vmin
#undef vabs
#undef vneg
#undef vsqrt
#undef vsign
#undef vsum
#undef vpick_max
#undef vpick_min
#undef vclamp
#undef vbits
#undef vexp
#undef vexpm1
#undef vlog
#undef vlog1p
#undef vtanh
#undef vsigmoid
#undef vsoftplus
#undef vlogsigmoid
#undef verf
#undef vrelu
#undef vhard_sigmoid
#undef vhard_tanh
#undef vgelu
#undef vsilu
#undef velu
#undef vpolynomial
#undef SC_LN2
#undef SC_LN2_HIGH
#undef SC_LN2_LOW
#undef SC_SQRT_HALF_BITS
#undef SC_NORMAL_MIN
#undef SC_HEAD_BITS
#undef SC_EXP_LOW
#undef SC_EXP_HIGH
#undef SC_EXPM1_LOW
#undef SC_LOGISTIC_LOW
#undef SC_LOGISTIC_HIGH
#undef SC_LOGISTIC_SHIFT
#undef SC_LOGISTIC_SCALE
#undef SC_TANH_HIGH
#undef SC_ERF_HIGH
#undef SC_GELU_HIGH
#undef SC_EXPM1

#if defined(SC_VARIANT_AVX512) || defined(SC_VARIANT_AVX2)
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#undef SC
#undef SC_MM
#undef SC_NEON
#undef SC_BYTES
#undef SC_REGS
#undef SC_FMA
#undef SC_DOUBLE
#undef SC_VARIANT_AVX512
#undef SC_VARIANT_AVX2
#undef SC_VARIANT_BASE
#undef SC_VARIANT_NEON

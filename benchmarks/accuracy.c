/* The error of vexp, vtanh and vsigmoid over every float32 there is, against libm in double.

   Build: cc -O3 -std=c11 -fno-math-errno -ffp-contract=off -fno-trapping-math \
             -I symcell/runtime/include benchmarks/accuracy.c -o build/accuracy -lm
   Run:   build/accuracy tanh avx2 avx512      (a function, then variants; about three minutes)

   The error is counted in units in the last place of the exact result, a denormal one in 2^-149; infinity
   counts as 2^128. Where the exact result is NaN, anything but NaN is an infinite error. */
#include "symcell/isa.h"

#include <stdio.h>

enum { BLOCK = 4096 };

typedef void map_function(const float *x, float *y);

#define MAP(name)                                                               \
    static void SC(map_##name)(const float *x, float *y) {                      \
        for (int i = 0; i < BLOCK; i += VL) vstore(y + i, name(vload(x + i))); \
    }
#define MAPS MAP(vexp) MAP(vtanh) MAP(vsigmoid)

#ifdef __x86_64__
#define SC_VARIANT_AVX2 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
MAPS
#include "symcell/end.h"

#define SC_VARIANT_AVX512 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
MAPS
#include "symcell/end.h"
#endif

#ifdef __aarch64__
#define SC_VARIANT_NEON 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
MAPS
#include "symcell/end.h"
#endif

#define SC_VARIANT_BASE 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
MAPS
#include "symcell/end.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

typedef struct {
    const char *name;
    double (*oracle)(double);
} Function;

typedef struct {
    const char *name;
    int present;
    map_function *maps[3]; /* in the order of `functions` */
} Variant;

typedef struct {
    double ulp;
    float at;
} Worst;

static const Function functions[] = {{"exp", exp}, {"tanh", tanh}, {"sigmoid", sigmoid}};

static size_t list_variants(Variant *list) {
    size_t n = 0;
#define VARIANT(isa)                                                     \
    list[n++] = (Variant){#isa, sc_cpu_has_##isa(),                      \
        {map_vexp_##isa##_f32, map_vtanh_##isa##_f32, map_vsigmoid_##isa##_f32}}
#ifdef __x86_64__
    VARIANT(avx512);
    VARIANT(avx2);
#endif
#ifdef __aarch64__
    VARIANT(neon);
#endif
    VARIANT(base);
    return n;
}

static double finite(double x) { return fmin(fmax(x, -0x1p128), 0x1p128); }

static double error_in_ulp(float got, double exact) {
    if (isnan(exact) || isnan(got)) return isnan(exact) && isnan(got) ? 0 : INFINITY;
    exact = finite(exact);
    int exponent = -126;
    if (fabs(exact) >= 0x1p-126) (void)frexp(exact, &exponent), --exponent;
    return fabs(finite(got) - exact) * ldexp(1, 23 - exponent);
}

static void measure(const Function *function, Variant *const *chosen, size_t n, Worst *worst) {
    float x[BLOCK], y[BLOCK];
    double exact[BLOCK];
    for (uint64_t start = 0; start < (uint64_t)1 << 32; start += BLOCK) {
        for (int i = 0; i < BLOCK; ++i) {
            const uint32_t bits = (uint32_t)(start + (uint64_t)i);
            memcpy(x + i, &bits, sizeof bits);
            exact[i] = function->oracle(x[i]);
        }
        for (size_t v = 0; v < n; ++v) {
            chosen[v]->maps[function - functions](x, y);
            for (int i = 0; i < BLOCK; ++i) {
                const double ulp = error_in_ulp(y[i], exact[i]);
                if (ulp > worst[v].ulp) worst[v] = (Worst){ulp, x[i]};
            }
        }
    }
}

int main(int argc, char **argv) {
    Variant known[4], *chosen[4];
    Worst worst[4] = {{0, 0}};
    const size_t n_known = list_variants(known);
    const Function *function = NULL;
    size_t n = 0;
    for (size_t f = 0; argc > 1 && f < 3; ++f)
        if (strcmp(argv[1], functions[f].name) == 0) function = &functions[f];
    for (int a = 2; a < argc; ++a)
        for (size_t v = 0; v < n_known && n < 4; ++v)
            if (strcmp(argv[a], known[v].name) == 0 && known[v].present) chosen[n++] = &known[v];
    if (!function || n == 0 || n != (size_t)argc - 2) {
        fprintf(stderr, "usage: accuracy exp|tanh|sigmoid VARIANT...  (variants this machine has)\n");
        return 2;
    }
    measure(function, chosen, n, worst);
    for (size_t v = 0; v < n; ++v)
        printf("%-8s %-7s %.3f ulp at %a (%.9g)\n", function->name, chosen[v]->name, worst[v].ulp,
               (double)worst[v].at, (double)worst[v].at);
    return 0;
}

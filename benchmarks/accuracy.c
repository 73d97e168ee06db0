/* The error of vexp, vtanh and vsigmoid over every float32 there is, against libm in double.

   Build: cc -O3 -std=c11 -fno-math-errno -ffp-contract=off -fno-trapping-math \
             -I symcell/runtime/include benchmarks/accuracy.c -o build/accuracy -lm
   Run:   build/accuracy tanh avx2 avx512      (a function, then variants; about three minutes)

   Results may also come from another machine or an emulator: --write prints them, raw, in the order of the
   arguments' bits, and a variant called stdin reads them. So QEMU only evaluates (about ten minutes), while libm
   and the comparison run natively. For neon, with GCC's cross compiler:

          aarch64-linux-gnu-gcc -static (flags as above) benchmarks/accuracy.c -o build/accuracy-neon -lm
          qemu-aarch64 build/accuracy-neon --write tanh neon | build/accuracy tanh stdin

   The error is counted in units in the last place of the exact result, a denormal one in 2^-149; infinity
   counts as 2^128. Where the exact result is NaN, anything but NaN is an infinite error. */
#include "symcell/isa.h"

#include <stdio.h>
#include <stdlib.h>

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

/* What another program's --write has printed: the results are in the order of `measure`. */
static void read_results(const float *x, float *y) {
    (void)x;
    if (fread(y, sizeof *y, BLOCK, stdin) == BLOCK) return;
    fprintf(stderr, "accuracy: stdin ended before all 2^32 results were read; was its program stopped?\n");
    exit(1);
}

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
    list[n++] = (Variant){"stdin", 1, {read_results, read_results, read_results}};
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

static void fill_block(uint64_t start, float *x) {
    for (int i = 0; i < BLOCK; ++i) {
        const uint32_t bits = (uint32_t)(start + (uint64_t)i);
        memcpy(x + i, &bits, sizeof bits);
    }
}

static void measure(const Function *function, Variant *const *chosen, size_t n, Worst *worst) {
    float x[BLOCK], y[BLOCK];
    double exact[BLOCK];
    for (uint64_t start = 0; start < (uint64_t)1 << 32; start += BLOCK) {
        fill_block(start, x);
        for (int i = 0; i < BLOCK; ++i) exact[i] = function->oracle(x[i]);
        for (size_t v = 0; v < n; ++v) {
            chosen[v]->maps[function - functions](x, y);
            for (int i = 0; i < BLOCK; ++i) {
                const double ulp = error_in_ulp(y[i], exact[i]);
                if (ulp > worst[v].ulp) worst[v] = (Worst){ulp, x[i]};
            }
        }
    }
}

static int write_results(map_function *map) {
    float x[BLOCK], y[BLOCK];
    for (uint64_t start = 0; start < (uint64_t)1 << 32; start += BLOCK) {
        fill_block(start, x);
        map(x, y);
        if (fwrite(y, sizeof *y, BLOCK, stdout) != BLOCK) return perror("accuracy: stdout"), 1;
    }
    return fflush(stdout) ? perror("accuracy: stdout"), 1 : 0;
}

int main(int argc, char **argv) {
    const int writes = argc > 1 && strcmp(argv[1], "--write") == 0;
    Variant known[4], *chosen[4];
    Worst worst[4] = {{0, 0}};
    const size_t n_known = list_variants(known);
    const Function *function = NULL;
    size_t n = 0;
    argc -= writes;
    argv += writes;
    for (size_t f = 0; argc > 1 && f < 3; ++f)
        if (strcmp(argv[1], functions[f].name) == 0) function = &functions[f];
    for (int a = 2; a < argc; ++a)
        for (size_t v = 0; v < n_known && n < 4; ++v)
            if (strcmp(argv[a], known[v].name) == 0 && known[v].present) chosen[n++] = &known[v];
    if (!function || n == 0 || n != (size_t)argc - 2 || (writes && n > 1)) {
        fprintf(stderr, "usage: accuracy exp|tanh|sigmoid VARIANT...  (variants this machine has, or stdin)\n"
                        "       accuracy --write exp|tanh|sigmoid VARIANT\n");
        return 2;
    }
    if (writes) return write_results(chosen[0]->maps[function - functions]);
    measure(function, chosen, n, worst);
    for (size_t v = 0; v < n; ++v)
        printf("%-8s %-7s %.3f ulp at %a (%.9g)\n", function->name, chosen[v]->name, worst[v].ulp,
               (double)worst[v].at, (double)worst[v].at);
    return 0;
}

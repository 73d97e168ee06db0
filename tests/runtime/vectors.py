"""The vector headers as a library of tests: each variant that this processor has, in both precisions."""

import ctypes
import os
import platform
import shutil
import subprocess
from pathlib import Path

import numpy as np

INCLUDE = Path(__file__).resolve().parents[2] / "symcell" / "runtime" / "include"
FLAGS = (
    "-O2 -std=c11 -fno-math-errno -ffp-contract=off -fno-trapping-math -Wall -Wextra -Werror -fPIC -shared"
)
VARIANTS = {"x86_64": ["avx512", "avx2", "base"], "AMD64": ["avx512", "avx2", "base"]}.get(
    platform.machine(), ["neon", "base"] if platform.machine() in ("aarch64", "arm64") else ["base"]
)
DTYPES = {"f32": np.float32, "f64": np.float64}

UNARY = ("exp", "tanh", "sigmoid", "expm1", "log", "log1p", "softplus", "logsigmoid", "erf", "gelu", "silu", "elu",
         "relu", "hard_sigmoid", "hard_tanh", "abs", "neg", "sqrt", "sign")
BINARY = ("max", "min")

REGION = """
#define SC_VARIANT_{upper} 1
#define SC_DOUBLE {double}
#include "symcell/begin.h"
const int SC(lanes) = VL;
int SC(present)(void) {{ return sc_cpu_has_{variant}(); }}
#define UNARY(name) void SC(test_##name)(const real *x, real *y, long n) {{ \\
    for (; n >= VL; n -= VL, x += VL, y += VL) vstore(y, v##name(vload(x))); \\
    if (n > 0) vstore_part(y, v##name(vload_part(x, n)), n); }}
#define BINARY(name) void SC(test_##name)(const real *a, const real *b, real *y) {{ \\
    vstore(y, v##name(vload(a), vload(b))); }}
{maps}
#undef UNARY
#undef BINARY
void SC(test_load_part)(const real *x, real *y, long n) {{ vstore(y, vload_part(x, n)); }}
void SC(test_store_part)(const real *x, real *y, long n) {{ vstore_part(y, vload(x), n); }}
void SC(test_fma)(const real *a, const real *b, real *y) {{ vstore(y, vfma(vload(a), vload(b), vfill(-1))); }}
void SC(test_select)(const real *a, const real *b, real *y) {{
    const vec x = vload(a), z = vload(b);
    vstore(y, vselect(x > z, x, vbroadcast(b)));
}}
real SC(test_sum)(const real *x) {{ return vsum(vload(x)); }}
/* What an accuracy test must be able to find: the usual shortcut, a tanh that cancels near 0. */
SC_INLINE vec SC(crude)(vec x) {{ return 2 / (1 + vexp(-2 * x)) - 1; }}
void SC(test_crude)(const real *x, real *y, long n) {{
    for (long i = 0; i + VL <= n; i += VL) vstore(y + i, SC(crude)(vload(x + i)));
}}
#include "symcell/end.h"
"""


class Kind:
    """One variant in one precision of the compiled library."""

    def __init__(self, library, variant, suffix):
        self.library, self.variant, self.suffix = library, variant, suffix
        self.dtype = np.dtype(DTYPES[suffix])
        self.lanes = ctypes.c_int.in_dll(library, f"lanes_{variant}_{suffix}").value

    def __repr__(self):
        return f"{self.variant}_{self.suffix}"

    def symbol(self, name):
        return getattr(self.library, f"{name}_{self}")

    def map(self, name, x):
        x = np.ascontiguousarray(x, self.dtype)
        y = np.empty_like(x)
        self.symbol(f"test_{name}")(pointer(x), pointer(y), ctypes.c_long(x.size))
        return y

    def binary(self, name, a, b):
        a, b = (np.resize(np.asarray(v, self.dtype), self.lanes) for v in (a, b))
        y = np.empty_like(a)
        self.symbol(f"test_{name}")(pointer(a), pointer(b), pointer(y))
        return y


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def compiled(folder):
    """The kinds of vectors that this processor has, compiled into a folder."""
    maps = " ".join([f"UNARY({n})" for n in UNARY] + [f"BINARY({n})" for n in BINARY])
    regions = [
        REGION.format(variant=v, upper=v.upper(), double=int(s == "f64"), maps=maps)
        for v in VARIANTS
        for s in DTYPES
    ]
    source, target = folder / "functions.c", folder / "functions.so"
    source.write_text('#include "symcell/isa.h"\n' + "".join(regions))
    compiler = shutil.which(os.environ.get("CC", "cc"))
    command = [compiler, *FLAGS.split(), "-I", str(INCLUDE), str(source), "-o", str(target), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    library = ctypes.CDLL(str(target))
    found = [Kind(library, v, s) for v in VARIANTS for s in DTYPES]
    return [kind for kind in found if kind.symbol("present")()]

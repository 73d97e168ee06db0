/* What all kernels use between their passes. Compiled in symcell/runtime/native.pyx only, once per instruction set and
   precision, after panels.h. */
#include "symcell/fingerprint.h"
#include "symcell/outer.h"

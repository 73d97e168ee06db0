/* Included by a generated kernel before Cython's own text, which runs a few times per call: GCC need not take a second to
   make it a little faster. Other compilers do not know the words. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Og", "no-strict-aliasing", "wrapv")
#endif

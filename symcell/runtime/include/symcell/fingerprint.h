/* A number that tells whether an array has changed. Included by begin.h, once per instruction set and precision, which
   all find the same number. */

#include "symcell/memory.h"

/* Words of eight bytes, as many as a vector holds. */
typedef uint64_t SC(words) __attribute__((vector_size(SC_BYTES)));

/* A row of eight words changes a state of two numbers per word by additions, exclusive ors and rotations, which can be
   undone: two arrays that differ in one word end in different states. */
SC_INLINE void SC(mix)(SC(words) *a, SC(words) *b, const char *row) {
    for (int n = 0; n < 64 / SC_BYTES; ++n) {
        SC(words) word;
        memcpy(&word, row + n * SC_BYTES, SC_BYTES);
        a[n] += word;
        b[n] ^= a[n];
        b[n] = b[n] << 13 | b[n] >> 51;
        a[n] += b[n];
    }
}

/* Finds the fingerprint of an array, a struct sc_print. Two arrays have the same one about once in 2^64 times; it is no
   defence against somebody who looks for them. */
static __attribute__((unused)) void SC(sc_fingerprint)(void *call) {
    struct sc_print *const print = call;
    uint64_t state[16] = {1, 2, 3, 4, 5, 6, 7, 8};
    SC(words) a[64 / SC_BYTES], b[64 / SC_BYTES];
    memcpy(a, state, sizeof a);
    memcpy(b, state + 8, sizeof b);
    const size_t whole = print->count / 64 * 64;
    for (size_t at = 0; at < whole; at += 64) SC(mix)(a, b, (const char *)print->bytes + at);
    char last[64] = {0};
    memcpy(last, (const char *)print->bytes + whole, print->count - whole);
    SC(mix)(a, b, last);
    memcpy(state, a, sizeof a);
    memcpy(state + 8, b, sizeof b);
    uint64_t found = print->count;
    for (int j = 0; j < 16; ++j) {
        found = (found ^ state[j]) * UINT64_C(0xd6e8feb86659fd93);
        found ^= found >> 32;
    }
    print->fingerprint = found;
}

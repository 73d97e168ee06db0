/* A number that tells whether an array has changed. Included once per instruction set and precision, which all find the
   same number. */

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

/* One number of two. For either of them alone it can be undone. */
SC_INLINE uint64_t SC(fold)(uint64_t found, uint64_t next) {
    found = (found ^ next) * UINT64_C(0xd6e8feb86659fd93);
    return found ^ found >> 32;
}

/* Rows that go into states of their own, in turn: a row has to wait for the one before it in its state only. */
enum { SC(prints) = 4 };

/* Finds the fingerprint of an array, a struct sc_print. Two arrays have the same one about once in 2^64 times; it is no
   defence against somebody who looks for them. */
static __attribute__((unused)) void SC(sc_fingerprint)(void *call) {
    struct sc_print *const print = call;
    const char *const bytes = print->bytes;
    uint64_t state[SC(prints)][16];
    SC(words) a[SC(prints)][64 / SC_BYTES], b[SC(prints)][64 / SC_BYTES];
    for (int p = 0; p < SC(prints); ++p) {
        for (int j = 0; j < 16; ++j) state[p][j] = 16 * p + j;
        memcpy(a[p], state[p], sizeof a[p]);
        memcpy(b[p], state[p] + 8, sizeof b[p]);
    }
    size_t at = 0;
    for (; at + 64 * SC(prints) <= print->count; at += 64 * SC(prints))
        for (int p = 0; p < SC(prints); ++p) SC(mix)(a[p], b[p], bytes + at + 64 * p);
    for (int p = 0; p < SC(prints) && at < print->count; ++p, at += 64) { /* what is left, then zeros */
        char last[64] = {0};
        memcpy(last, bytes + at, print->count - at < 64 ? print->count - at : 64);
        SC(mix)(a[p], b[p], last);
    }
    for (int p = 0; p < SC(prints); ++p) {
        memcpy(state[p], a[p], sizeof a[p]);
        memcpy(state[p] + 8, b[p], sizeof b[p]);
    }
    uint64_t each[SC(prints)] = {0}; /* apart at first: in one row of 64 products each would wait for the one before */
    for (int j = 0; j < 16; ++j)
        for (int p = 0; p < SC(prints); ++p) each[p] = SC(fold)(each[p], state[p][j]);
    uint64_t found = print->count;
    for (int p = 0; p < SC(prints); ++p) found = SC(fold)(found, each[p]);
    print->fingerprint = found;
}

/* How threads share a piece of work.

   A stage of it is cut into as many parts as there may be threads. Each takes its own part, then any that nobody has
   begun; when all are done, all go on. So no stage waits for a thread that has yet to wake up, or has lost its core,
   unless it was in the middle of a part; once back, it passes by what has been done without it, and only the end of the
   whole work waits for that. Who computes a lane changes no bit, and in the ordinary course it is the one that has its
   weights in its cache. */
#ifndef SYMCELL_TEAM_H
#define SYMCELL_TEAM_H

#include <sched.h>
#include <stddef.h>

#include "symcell/memory.h"

/* A part: the number of stages in which it has been taken, and has been done. Zeros to begin with; a line of its own. */
struct sc_seat {
    int64_t taken, done;
    char rest[48];
};

/* Wait a moment. A core that others want is given up after a while. */
static inline void sc_wait(int *turns) {
    enum { SPINS = 2000 };
    if (*turns < SPINS) ++*turns;
    if (*turns == SPINS) sched_yield();
#if defined(__x86_64__)
    else __builtin_ia32_pause();
#elif defined(__aarch64__)
    else __asm__ volatile("yield");
#endif
}

/* Do the part `before` with the stage, if not negative, and take another: its number, or -1 once all parts are done. */
static __attribute__((noinline, unused)) ptrdiff_t sc_take_seat(struct sc_team *team, ptrdiff_t before) {
    struct sc_seat *const seats = team->seats;
    if (before >= 0) __atomic_store_n(&seats[before].done, team->stage + 1, __ATOMIC_RELEASE);
    for (ptrdiff_t k = 0, part = team->own; k < team->parts; ++k, part = part + 1 < team->parts ? part + 1 : 0) {
        int64_t taken = __atomic_load_n(&seats[part].taken, __ATOMIC_RELAXED);
        if (taken == team->stage && __atomic_compare_exchange_n(&seats[part].taken, &taken, taken + 1, 0,
                                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return part;
    }
    int turns = 0;
    for (ptrdiff_t part = 0; part < team->parts; ++part)
        while (__atomic_load_n(&seats[part].done, __ATOMIC_ACQUIRE) <= team->stage) sc_wait(&turns);
    ++team->stage;
    return -1;
}

/* The same, where one thread does all without more ado. */
static inline ptrdiff_t sc_take(struct sc_team *team, ptrdiff_t before) {
    return team->seats ? sc_take_seat(team, before) : before < 0 ? 0 : -1;
}

/* Once for each part of the present stage that this thread takes. */
#define SC_SHARED(team, part) for (ptrdiff_t part = sc_take(team, -1); part >= 0; part = sc_take(team, part))

/* Some of several things: first <= k < past. */
struct sc_share {
    ptrdiff_t first, past;
};

/* Of `count` lanes or rows in blocks of `block`, the blocks of this part. */
static inline struct sc_share sc_share(const struct sc_team *team, ptrdiff_t part, ptrdiff_t count, ptrdiff_t block) {
    const ptrdiff_t blocks = (count + block - 1) / block;
    if (team->parts == 1) return (struct sc_share){0, blocks};
    return (struct sc_share){blocks * part / team->parts, blocks * (part + 1) / team->parts};
}

/* All blocks. */
static inline struct sc_share sc_all(ptrdiff_t count, ptrdiff_t block) {
    return (struct sc_share){0, (count + block - 1) / block};
}

/* Only the rows of a part, for one thread. */
static inline void sc_narrow(struct sc_span *span, ptrdiff_t part) {
    const struct sc_share rows = sc_share(&span->team, part, span->rows, 1);
    span->from += rows.first;
    span->rows = rows.past - rows.first;
    span->team = (struct sc_team){NULL, 1, 0, 0};
}

#endif

/* Threads that wait for work, of any kernel. Whoever has some does it too, and all of it if nobody comes: a pool that is
   busy with somebody else's work, or whose threads cannot be had, costs time but not the result. */
#ifndef SYMCELL_POOL_H
#define SYMCELL_POOL_H

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "symcell/team.h"

enum { SC_MOST_PARTS = 64, SC_LINGER = 5000 }; /* turns that a thread waits for more work before it sleeps */

/* busy     somebody's work is on
   job      how many there have been
   parts    of the present one, 0 when nobody may join any more
   come     who has joined, whoever has the work included
   inside   who has joined and not left
   run, call, bytes, team   the work, which each thread does on its own copy; where in it the team is */
struct sc_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t threads[SC_MOST_PARTS];
    int count, asleep, busy, parts, come, inside;
    long job;
    void (*run)(void *call);
    const void *call;
    size_t bytes, team;
    struct sc_seat seats[SC_MOST_PARTS];
#if defined(__linux__)
    cpu_set_t cores;
    int placed;
#endif
};

#define SC_NO_POOL {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER}
static struct sc_pool sc_pool = SC_NO_POOL;

/* A forked child has the pool but not its threads. */
static void sc_forked(void) {
    sc_pool = (struct sc_pool)SC_NO_POOL;
}

/* Do a part of the present work, on a copy. The lock is held before and after. */
static void sc_join(void) {
    const ptrdiff_t own = sc_pool.come++;
    ++sc_pool.inside;
    pthread_mutex_unlock(&sc_pool.lock);
    char *const copy = malloc(sc_pool.bytes);
    if (copy != NULL) {
        memcpy(copy, sc_pool.call, sc_pool.bytes);
        ((struct sc_team *)(copy + sc_pool.team))->own = own;
        sc_pool.run(copy);
        free(copy);
    }
    pthread_mutex_lock(&sc_pool.lock);
    __atomic_fetch_sub(&sc_pool.inside, 1, __ATOMIC_RELEASE);
}

/* What a thread of the pool does. */
static void *sc_serve(void *unused) {
    (void)unused;
    pthread_mutex_lock(&sc_pool.lock);
    for (long seen = 0;;) {
        if (sc_pool.job != seen) {
            seen = sc_pool.job;
            if (sc_pool.come < sc_pool.parts) sc_join();
            continue;
        }
        pthread_mutex_unlock(&sc_pool.lock);
        for (int k = 0, turns = 0; k < SC_LINGER && __atomic_load_n(&sc_pool.job, __ATOMIC_RELAXED) == seen; ++k)
            sc_wait(&turns);
        pthread_mutex_lock(&sc_pool.lock);
        ++sc_pool.asleep;
        while (sc_pool.job == seen) pthread_cond_wait(&sc_pool.wake, &sc_pool.lock);
        --sc_pool.asleep;
    }
    return NULL;
}

/* Have as many threads as that, if they can be had. Signals are for others. */
static void sc_hire(int wanted) {
    static int registered = 0;
    if (!registered) registered = pthread_atfork(NULL, NULL, sc_forked) == 0;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (registered && sc_pool.count < wanted &&
           pthread_create(&sc_pool.threads[sc_pool.count], NULL, sc_serve, NULL) == 0)
        pthread_detach(sc_pool.threads[sc_pool.count++]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Have as many threads as that on other cores than this thread's; 0 if there is none. Linux likes to wake a thread on the
   core of the one that wakes it, where the two would run in turn. */
static int sc_call_in(int wanted) {
#if defined(__linux__)
    cpu_set_t cores;
    const int here = sched_getcpu(), known = here >= 0 && sched_getaffinity(0, sizeof cores, &cores) == 0;
    if (known) CPU_CLR(here, &cores);
    if (known && CPU_COUNT(&cores) == 0) return 0;
    sc_hire(wanted);
    if (!known || (sc_pool.placed == sc_pool.count && CPU_EQUAL(&cores, &sc_pool.cores))) return 1;
    for (int k = 0; k < sc_pool.count; ++k) pthread_setaffinity_np(sc_pool.threads[k], sizeof cores, &cores);
    sc_pool.cores = cores;
    sc_pool.placed = sc_pool.count;
#else
    sc_hire(wanted);
#endif
    return 1;
}

/* Run a call, whose team this is, on up to so many threads, this one included. */
static void sc_run(void (*run)(void *), void *call, size_t bytes, struct sc_team *team, int threads) {
    *team = (struct sc_team){NULL, 1, 0, 0};
    if (threads < 2 || __atomic_exchange_n(&sc_pool.busy, 1, __ATOMIC_ACQUIRE)) {
        run(call);
        return;
    }
    if (threads > SC_MOST_PARTS) threads = SC_MOST_PARTS;
    memset(sc_pool.seats, 0, sizeof *sc_pool.seats * (size_t)threads);
    *team = (struct sc_team){sc_pool.seats, threads, 0, 0};
    char *const copy = malloc(bytes); /* ours changes as we go on */
    pthread_mutex_lock(&sc_pool.lock);
    if (copy != NULL && sc_call_in(threads - 1)) {
        memcpy(copy, call, bytes);
        sc_pool.run = run, sc_pool.call = copy, sc_pool.bytes = bytes;
        sc_pool.team = (size_t)((char *)team - (char *)call);
        sc_pool.come = 1, sc_pool.parts = threads;
        __atomic_fetch_add(&sc_pool.job, 1, __ATOMIC_RELEASE);
        if (sc_pool.asleep) pthread_cond_broadcast(&sc_pool.wake);
    }
    pthread_mutex_unlock(&sc_pool.lock);
    run(call);
    pthread_mutex_lock(&sc_pool.lock);
    sc_pool.parts = 0;
    pthread_mutex_unlock(&sc_pool.lock);
    for (int turns = 0; __atomic_load_n(&sc_pool.inside, __ATOMIC_ACQUIRE);) sc_wait(&turns);
    free(copy);
    __atomic_store_n(&sc_pool.busy, 0, __ATOMIC_RELEASE);
}

#endif

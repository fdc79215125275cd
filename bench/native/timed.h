/* What the programs share that time the engine's core without sockets. */
#ifndef TIMED_H
#define TIMED_H

#include <time.h>

#include "leg.h"

static inline void ignore(void *context, const struct engine_event *event) {
    (void)context, (void)event;
}

/* CPU time of the thread that asks. */
static inline int64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

#endif

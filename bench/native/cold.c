/* What a program that sleeps finds of its memory in the processor's caches when it wakes.
 *
 *   cold BYTES MICROSECONDS TURNS
 *
 * Follows a chain through every cache line of BYTES in random order (each read waits for the one
 * before, and no prefetcher guesses it), twice at once, then again after sleeping so long. The
 * second of the three is dear where BYTES do not fit the caches, or neighbours on the same chip
 * leave less of them than there is; the third where they are emptied meanwhile.
 * Prints one JSON object: medians of TURNS turns, nanoseconds a line.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { LINE = 64, HUGE = 2 << 20, MAX_TURNS = 10000 };

/* The thread's own time: what others had the processor for is not in it. */
static double now(void)
{
    struct timespec read;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &read);
    return (double)read.tv_sec * 1e9 + (double)read.tv_nsec;
}

static int by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* One ring through all lines, in random order. */
static void **chain(size_t lines)
{
    size_t bytes = (lines * LINE + HUGE - 1) / HUGE * HUGE;
    char *memory = aligned_alloc(HUGE, bytes);
    size_t *order = malloc(lines * sizeof *order);
    if (!memory || !order)
        exit(1);
    /* In huge pages, so that only the caches are measured, not the tables of pages. */
    madvise(memory, bytes, MADV_HUGEPAGE);
    for (size_t at = 0; at < lines; at++)
        order[at] = at;
    for (size_t at = lines - 1; at > 0; at--) {
        size_t other = (size_t)random() % (at + 1), kept = order[at];
        order[at] = order[other];
        order[other] = kept;
    }
    for (size_t at = 0; at < lines; at++)
        *(void **)(memory + order[at] * LINE) = memory + order[(at + 1) % lines] * LINE;
    free(order);
    return (void **)memory;
}

/* Nanoseconds a line for one way round. */
static double walk(void **ring, size_t lines)
{
    double began = now();
    void **at = ring;
    for (size_t count = 0; count < lines; count++)
        at = *at;
    double took = now() - began;
    return at == ring ? took / (double)lines : -1;
}

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    size_t lines = strtoul(words[1], NULL, 10) / LINE;
    long microseconds = strtol(words[2], NULL, 10);
    int turns = atoi(words[3]);
    if (lines < 2 || microseconds < 0 || turns < 1 || turns > MAX_TURNS)
        return 2;
    struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};
    static double warm[MAX_TURNS], cold[MAX_TURNS];
    void **ring = chain(lines);
    for (int turn = 0; turn < turns; turn++) {
        walk(ring, lines);
        warm[turn] = walk(ring, lines);
        nanosleep(&pause, NULL);
        cold[turn] = walk(ring, lines);
    }
    qsort(warm, (size_t)turns, sizeof *warm, by_size);
    qsort(cold, (size_t)turns, sizeof *cold, by_size);
    printf("{\"warm_ns\": %.2f, \"cold_ns\": %.2f}\n", warm[turns / 2], cold[turns / 2]);
    return 0;
}

/* The sender's timeline in our time. See sender_clock.h. */
#include "sender_clock.h"

/* Differences up to here are followed at 1 in 200, which nobody hears; larger ones are no drift and
 * no jitter but another way through the network, and are taken at once. */
#define MAX_FOLLOWED_NS (40 * NS_PER_MS)
#define FOLLOW_DIVISOR 200

/* Without overflow, whatever the sender writes. */
static int64_t less(int64_t one, int64_t other) {
    return (int64_t)((uint64_t)one - (uint64_t)other);
}

static void begin(struct sender_clock *clock, int64_t offset, int64_t arrived_ns) {
    for (int i = 0; i < DELAY_STRETCHES; i++)
        clock->least[i] = offset;
    clock->stretch = 0;
    clock->stretch_ends = arrived_ns + DELAY_STRETCH_NS;
}

static void remember(struct sender_clock *clock, int64_t offset, int64_t arrived_ns) {
    if (arrived_ns - clock->stretch_ends > DELAY_STRETCHES * DELAY_STRETCH_NS) {
        begin(clock, offset, arrived_ns);
        return;
    }
    if (arrived_ns >= clock->stretch_ends) {
        clock->stretch = (uint8_t)((clock->stretch + 1) % DELAY_STRETCHES);
        clock->least[clock->stretch] = offset;
        clock->stretch_ends = arrived_ns + DELAY_STRETCH_NS;
    }
    if (offset < clock->least[clock->stretch])
        clock->least[clock->stretch] = offset;
}

static int64_t undelayed(const struct sender_clock *clock) {
    int64_t least = clock->least[0];
    for (int i = 1; i < DELAY_STRETCHES; i++)
        if (clock->least[i] < least)
            least = clock->least[i];
    return least;
}

static void follow(struct sender_clock *clock, int64_t arrived_ns) {
    int64_t off = less(undelayed(clock), clock->offset);
    int64_t passed = arrived_ns - clock->moved_ns;
    int64_t most = passed > 0 ? passed / FOLLOW_DIVISOR : 0;
    clock->moved_ns = arrived_ns;
    if (off <= MAX_FOLLOWED_NS && off >= -MAX_FOLLOWED_NS)
        off = off > most ? most : off < -most ? -most : off;
    clock->offset = less(clock->offset, -off);
}

void sender_clock_hear(struct sender_clock *clock, uint64_t end, int64_t arrived_ns) {
    int64_t offset = less(arrived_ns, (int64_t)(end * (uint64_t)NS_PER_SAMPLE));
    if (!clock->started) {
        bool first = clock->moved_ns == 0;
        clock->started = true;
        begin(clock, offset, arrived_ns);
        if (first) {
            clock->offset = offset;
            clock->moved_ns = arrived_ns;
        }
    }
    remember(clock, offset, arrived_ns);
    follow(clock, arrived_ns);
}

int64_t sender_clock_delay(const struct sender_clock *clock, uint64_t end, int64_t arrived_ns) {
    if (!clock->started)
        return 0;
    return less(less(arrived_ns, (int64_t)(end * (uint64_t)NS_PER_SAMPLE)), undelayed(clock));
}

void sender_clock_doubt(struct sender_clock *clock) { clock->started = false; }

int64_t sender_clock_time(const struct sender_clock *clock, uint64_t timestamp) {
    return (int64_t)((uint64_t)clock->offset + timestamp * (uint64_t)NS_PER_SAMPLE);
}

/* Timer wheel. See wheel.h. */
#include "wheel.h"

#include <string.h>

static int slot_of(int64_t tick) { return (int)(tick & (WHEEL_SLOTS - 1)); }

/* Ticks from `current` to the next occupied slot; only when one is. */
static int distance(const struct wheel *wheel) {
    int turn = slot_of(wheel->current);
    uint64_t turned = wheel->occupied >> turn;
    if (turn)
        turned |= wheel->occupied << (WHEEL_SLOTS - turn);
    return __builtin_ctzll(turned);
}

void wheel_init(struct wheel *wheel, int64_t tick_ns, int64_t now) {
    memset(wheel, 0, sizeof *wheel);
    wheel->tick_ns = tick_ns;
    wheel->current = now / tick_ns;
}

void wheel_remove(struct wheel *wheel, struct wheel_node *node) {
    if (!node->link)
        return;
    *node->link = node->next;
    if (node->next)
        node->next->link = node->link;
    node->link = NULL;
    int slot = slot_of(node->tick);
    if (!wheel->slots[slot])
        wheel->occupied &= ~(UINT64_C(1) << slot);
}

void wheel_add(struct wheel *wheel, struct wheel_node *node, int64_t due) {
    wheel_remove(wheel, node);
    int64_t tick = (due + wheel->tick_ns - 1) / wheel->tick_ns;
    if (tick < wheel->current)
        tick = wheel->current;
    if (tick > wheel->current + WHEEL_SLOTS - 1)
        tick = wheel->current + WHEEL_SLOTS - 1;
    struct wheel_node **slot = &wheel->slots[slot_of(tick)];
    node->tick = tick;
    node->next = *slot;
    node->link = slot;
    if (node->next)
        node->next->link = &node->next;
    *slot = node;
    wheel->occupied |= UINT64_C(1) << slot_of(tick);
}

struct wheel_node *wheel_expire(struct wheel *wheel, int64_t now) {
    int64_t present = now / wheel->tick_ns;
    int64_t next = wheel->occupied ? wheel->current + distance(wheel) : INT64_MAX;
    if (next > present) {
        if (wheel->current < present)
            wheel->current = present;
        return NULL;
    }
    wheel->current = next;
    struct wheel_node *node = wheel->slots[slot_of(next)];
    wheel_remove(wheel, node);
    return node;
}

int64_t wheel_next(const struct wheel *wheel) {
    return wheel->occupied ? (wheel->current + distance(wheel)) * wheel->tick_ns : INT64_MAX;
}

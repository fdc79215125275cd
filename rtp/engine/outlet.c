/* The way out of a leg, shared by two shards. See outlet.h. */
#include "outlet.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct address) % sizeof(uint32_t) == 0, "an address is whole words");

struct outlet *outlet_create(int socket) {
    struct outlet *outlet = calloc(1, sizeof *outlet);
    if (!outlet)
        return NULL;
    outlet->references = 1;
    outlet->socket = socket;
    return outlet;
}

void outlet_hold(struct outlet *outlet) {
    __atomic_add_fetch(&outlet->references, 1, __ATOMIC_RELAXED);
}

void outlet_release(struct outlet *outlet) {
    if (outlet && !__atomic_sub_fetch(&outlet->references, 1, __ATOMIC_ACQ_REL))
        free(outlet);
}

void outlet_aim(struct outlet *outlet, const struct address *destination) {
    uint32_t words[OUTLET_WORDS];
    memcpy(words, destination, sizeof words);
    STORE(outlet->version, outlet->version + 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (size_t i = 0; i < OUTLET_WORDS; i++)
        STORE(outlet->destination[i], words[i]);
    __atomic_store_n(&outlet->version, outlet->version + 1, __ATOMIC_RELEASE);
}

bool outlet_read(const struct outlet *outlet, struct address *destination) {
    uint32_t words[OUTLET_WORDS];
    uint32_t before = __atomic_load_n(&outlet->version, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < OUTLET_WORDS; i++)
        words[i] = LOAD(outlet->destination[i]);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (before % 2 || LOAD(outlet->version) != before)
        return false;
    memcpy(destination, words, sizeof words);
    return destination->length > 0;
}

/* Transport addresses: parse, compare, print. See address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v6(struct address *address, const struct in6_addr *host, int port) {
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_addr = *host;
    address->v6.sin6_port = htons((uint16_t)port);
    address->length = sizeof address->v6;
}

static void set_v4(struct address *address, const struct in_addr *host, int port) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_addr = *host;
    address->v4.sin_port = htons((uint16_t)port);
    address->length = sizeof address->v4;
}

bool address_parse(struct address *address, const char *host, int port, int family) {
    struct in_addr v4;
    struct in6_addr v6;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &v4) == 1) {
        if (family != AF_INET6) {
            set_v4(address, &v4, port);
            return true;
        }
        memcpy(v6.s6_addr, MAPPED_PREFIX, 12);
        memcpy(v6.s6_addr + 12, &v4, 4);
        set_v6(address, &v6, port);
        return true;
    }
    if (family == AF_INET || inet_pton(AF_INET6, host, &v6) != 1)
        return false;
    set_v6(address, &v6, port);
    return true;
}

bool address_same_host(const struct address *a, const struct address *b) {
    if (a->length != b->length || a->length == 0)
        return false;
    if (a->length == sizeof a->v4)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0;
}

bool address_equal(const struct address *a, const struct address *b) {
    /* sin_port and sin6_port lie at the same place. */
    return a->v4.sin_port == b->v4.sin_port && address_same_host(a, b);
}

bool address_is_any(const struct address *address) {
    if (address->length == sizeof address->v4)
        return address->v4.sin_addr.s_addr == INADDR_ANY;
    const uint8_t *host = address->v6.sin6_addr.s6_addr;
    static const uint8_t zero[16];
    return memcmp(host, zero, 16) == 0 ||
           (memcmp(host, MAPPED_PREFIX, 12) == 0 && memcmp(host + 12, zero, 4) == 0);
}

int address_port(const struct address *address) { return ntohs(address->v4.sin_port); }

void address_set_port(struct address *address, int port) {
    address->v4.sin_port = htons((uint16_t)port);
}

void address_host(const struct address *address, char *text, size_t size) {
    const uint8_t *host = address->v6.sin6_addr.s6_addr;
    text[0] = 0;
    if (address->length == sizeof address->v4)
        inet_ntop(AF_INET, &address->v4.sin_addr, text, (socklen_t)size);
    else if (address->length && memcmp(host, MAPPED_PREFIX, 12) == 0)
        inet_ntop(AF_INET, host + 12, text, (socklen_t)size);
    else if (address->length)
        inet_ntop(AF_INET6, host, text, (socklen_t)size);
}

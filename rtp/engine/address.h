/* A transport address, IPv4 or IPv6, as the kernel wants it. Does not resolve names. */
#ifndef ENGINE_ADDRESS_H
#define ENGINE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t length; /* 0: no address */
};

/* Reads a numeric host for a socket of `family` (AF_UNSPEC: as written). An IPv4 host for an IPv6
 * socket becomes a mapped address; false when it is no address or cannot be reached from there. */
bool address_parse(struct address *address, const char *host, int port, int family);
bool address_equal(const struct address *a, const struct address *b);
bool address_same_host(const struct address *a, const struct address *b);
bool address_is_any(const struct address *address);
int address_port(const struct address *address);
void address_set_port(struct address *address, int port);
/* Writes the host without brackets; a mapped address as plain IPv4. */
void address_host(const struct address *address, char *text, size_t size);

#endif

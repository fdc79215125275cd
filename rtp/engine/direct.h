/* A settled leg's second socket, on the same port and connected to its peer.
 *
 * The kernel looks up the way of each packet sent from an unconnected socket, which is a seventh of
 * what relaying costs. A leg that has sent to one address for a while therefore sends, and hears its
 * peer, through a connected socket, while the unconnected one still gets all others' packets, so
 * that they are counted. Whose packet it is, is judged by its address all the same.
 */
#ifndef ENGINE_DIRECT_H
#define ENGINE_DIRECT_H

#include "leg.h"

/* A second of sound: a short call does not pay for a socket that will not pay off. */
#define SETTLED_PACKETS 50

/* Sends to the leg's destination, either way; false when the kernel refused. */
bool direct_send(struct leg *leg, int poll_fd, void *datum, const uint8_t *data, size_t length);
void direct_close(struct leg *leg);

#endif

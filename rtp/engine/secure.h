/* SRTP and SRTCP (RFC 3711): what a leg sends is sealed, what it receives is opened, in place.
 *
 * libsrtp2 does it. It is not needed to build and not loaded before the first leg wants it: its few
 * functions are declared in secure.c and looked up in libsrtp2.so.1. Knows no legs, no addresses.
 */
#ifndef ENGINE_SECURE_H
#define ENGINE_SECURE_H

#include "base.h"

/* RFC 4568 6.2: the suites of the session description that are spoken here. */
enum suite { SUITE_AES_CM_128_HMAC_SHA1_80, SUITE_AES_CM_128_HMAC_SHA1_32, SUITES };

/* A master key of 128 bits and a salt of 112. */
#define SECURE_KEY_LENGTH 30
/* What sealing appends: a tag of 80 bits and, for RTCP, an index of 32. */
#define MAX_SECURE_TRAILER 16
/* SSRCs that one key has opened, each with an index and a window against replay. A peer has one, or
 * a few where a gateway sends its own sounds; one that begins anew with each packet costs no more. */
#define MAX_SECURE_SOURCES 8

struct secure;

enum opened {
    OPENED,
    NOT_AUTHENTIC, /* or not whole */
    REPLAYED,      /* opened before, or too old to know */
};

/* Loads the library, once; false without it. By one thread at a time. */
bool secure_load(void);
/* Keys of SECURE_KEY_LENGTH; NULL: that direction stays as it was. NULL without memory or library.
 * Derives keys, which takes as long as many packets: not for a shard's thread. */
struct secure *secure_create(enum suite suite, const uint8_t *send_key,
                             const uint8_t *receive_key);
void secure_free(struct secure *secure);
/* Takes over `fresh` for what it has keys of; what it has none of stays. What was sealed with the
 * key that came before is opened until the first packet with the new one. */
struct secure *secure_renew(struct secure *held, struct secure *fresh);

/* At `packet` is room for MAX_SECURE_TRAILER beyond `length`. False: it must not be sent. */
bool secure_seal(struct secure *secure, uint8_t *packet, size_t *length);
bool secure_seal_rtcp(struct secure *secure, uint8_t *packet, size_t *length);
/* As it was when it is not OPENED. */
enum opened secure_open(struct secure *secure, uint8_t *packet, size_t *length);
enum opened secure_open_rtcp(struct secure *secure, uint8_t *packet, size_t *length);

#endif

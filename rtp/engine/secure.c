/* SRTP by libsrtp2. See secure.h. */
#include "secure.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Of the 64 packets that RFC 3711 3.3.2 asks for at least; a packet may be late by MAX_MISORDER. */
#define REPLAY_WINDOW 128

/* The part of libsrtp's interface that is used, as its version 2 has it (srtp.h, "libsrtp2.so.1").
 */
struct library_crypto {
    uint32_t cipher;
    int cipher_key_length;
    uint32_t authentication;
    int authentication_key_length;
    int tag_length;
    int services;
};

enum { LIBRARY_ANY_INBOUND = 2, LIBRARY_ANY_OUTBOUND = 3 };

struct library_policy {
    struct {
        int type;
        unsigned int value;
    } ssrc;
    struct library_crypto rtp, rtcp;
    unsigned char *key;
    void *keys;
    unsigned long key_count;
    void *unused;
    unsigned long window_size;
    int allow_repeat;
    int *encrypted_extensions;
    int encrypted_extension_count;
    struct library_policy *next;
};

enum { LIBRARY_OK = 0, LIBRARY_REPLAYED = 9, LIBRARY_TOO_OLD = 10 };

typedef int library_start(void);
typedef int library_create(void **session, const struct library_policy *policy);
typedef int library_free(void *session);
typedef int library_forget(void *session, unsigned int ssrc);
typedef int library_work(void *session, void *packet, int *length);
typedef void library_fill(struct library_crypto *crypto);

static struct {
    void *handle;
    library_start *start;
    library_create *create;
    library_free *free;
    library_forget *forget;
    library_work *seal, *open, *seal_rtcp, *open_rtcp;
    library_fill *fill[SUITES];
} library;

struct secure {
    void *sealing;
    void *opening;
    void *opening_before;
    uint32_t sources[MAX_SECURE_SOURCES];
    uint8_t source_count, next_source;
};

static bool find(const char *name, void *function) {
    void *found = dlsym(library.handle, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static bool find_all(void) {
    return find("srtp_init", &library.start) && find("srtp_create", &library.create) &&
           find("srtp_dealloc", &library.free) && find("srtp_remove_stream", &library.forget) &&
           find("srtp_protect", &library.seal) && find("srtp_unprotect", &library.open) &&
           find("srtp_protect_rtcp", &library.seal_rtcp) &&
           find("srtp_unprotect_rtcp", &library.open_rtcp) &&
           /* The first of these is called "the default" there: 80 bits of tag. */
           find("srtp_crypto_policy_set_rtp_default", &library.fill[0]) &&
           find("srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32", &library.fill[1]);
}

bool secure_load(void) {
    if (library.handle)
        return true;
    library.handle = dlopen("libsrtp2.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library.handle && find_all() && library.start() == LIBRARY_OK)
        return true;
    if (library.handle)
        dlclose(library.handle);
    library.handle = NULL;
    return false;
}

static void *create_session(enum suite suite, const uint8_t *key, int type) {
    uint8_t copy[SECURE_KEY_LENGTH];
    void *session = NULL;
    struct library_policy policy = {
        .ssrc = {.type = type}, .key = copy, .window_size = REPLAY_WINDOW};
    memcpy(copy, key, sizeof copy);
    library.fill[suite](&policy.rtp);
    /* RFC 4568 6.2.2: with the short tag of RTP, RTCP has the long one all the same. */
    library.fill[SUITE_AES_CM_128_HMAC_SHA1_80](&policy.rtcp);
    int status = library.create(&session, &policy);
    explicit_bzero(copy, sizeof copy);
    return status == LIBRARY_OK ? session : NULL;
}

static void free_session(void *session) {
    if (session)
        library.free(session);
}

struct secure *secure_create(enum suite suite, const uint8_t *send_key,
                             const uint8_t *receive_key) {
    struct secure *secure = secure_load() ? calloc(1, sizeof *secure) : NULL;
    if (!secure)
        return NULL;
    if (send_key)
        secure->sealing = create_session(suite, send_key, LIBRARY_ANY_OUTBOUND);
    if (receive_key)
        secure->opening = create_session(suite, receive_key, LIBRARY_ANY_INBOUND);
    if ((!send_key || secure->sealing) && (!receive_key || secure->opening))
        return secure;
    secure_free(secure);
    return NULL;
}

void secure_free(struct secure *secure) {
    if (!secure)
        return;
    free_session(secure->sealing);
    free_session(secure->opening);
    free_session(secure->opening_before);
    free(secure);
}

struct secure *secure_renew(struct secure *held, struct secure *fresh) {
    if (!held)
        return fresh;
    if (fresh->sealing) {
        free_session(held->sealing);
        held->sealing = fresh->sealing;
    }
    if (fresh->opening) {
        free_session(held->opening_before);
        held->opening_before = held->opening;
        held->opening = fresh->opening;
        held->source_count = held->next_source = 0;
    }
    fresh->sealing = fresh->opening = NULL;
    secure_free(fresh);
    return held;
}

static bool seal(library_work *work, void *session, uint8_t *packet, size_t *length) {
    int size = (int)*length;
    if (!session || work(session, packet, &size) != LIBRARY_OK)
        return false;
    *length = (size_t)size;
    return true;
}

bool secure_seal(struct secure *secure, uint8_t *packet, size_t *length) {
    return seal(library.seal, secure->sealing, packet, length);
}

bool secure_seal_rtcp(struct secure *secure, uint8_t *packet, size_t *length) {
    return seal(library.seal_rtcp, secure->sealing, packet, length);
}

static enum opened open_with(library_work *work, void *session, uint8_t *packet, size_t *length) {
    int size = (int)*length;
    int status = session ? work(session, packet, &size) : !LIBRARY_OK;
    if (status == LIBRARY_REPLAYED || status == LIBRARY_TOO_OLD)
        return REPLAYED;
    if (status != LIBRARY_OK)
        return NOT_AUTHENTIC;
    *length = (size_t)size;
    return OPENED;
}

/* The library keeps a state for each SSRC that was authentic: the oldest makes room. */
static void remember_source(struct secure *secure, uint32_t ssrc) {
    for (int i = 0; i < secure->source_count; i++)
        if (secure->sources[i] == ssrc)
            return;
    if (secure->source_count < MAX_SECURE_SOURCES) {
        secure->sources[secure->source_count++] = ssrc;
        return;
    }
    uint32_t *oldest = &secure->sources[secure->next_source];
    /* By its octets as they stand in the packet. */
    library.forget(secure->opening, htonl(*oldest));
    *oldest = ssrc;
    secure->next_source = (uint8_t)((secure->next_source + 1) % MAX_SECURE_SOURCES);
}

/* `ssrc_at`: where the packet names its sender. */
static enum opened open_packet(struct secure *secure, library_work *work, uint8_t *packet,
                               size_t *length, size_t ssrc_at) {
    enum opened opened = open_with(work, secure->opening, packet, length);
    if (opened == OPENED) {
        free_session(secure->opening_before);
        secure->opening_before = NULL;
        remember_source(secure, read_32(packet + ssrc_at));
    } else if (opened == NOT_AUTHENTIC && secure->opening_before) {
        opened = open_with(work, secure->opening_before, packet, length);
    }
    return opened;
}

enum opened secure_open(struct secure *secure, uint8_t *packet, size_t *length) {
    return open_packet(secure, library.open, packet, length, 8);
}

enum opened secure_open_rtcp(struct secure *secure, uint8_t *packet, size_t *length) {
    return open_packet(secure, library.open_rtcp, packet, length, 4);
}

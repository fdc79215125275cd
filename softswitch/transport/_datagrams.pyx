# cython: language_level=3, boundscheck=False, wraparound=False
"""Reads what waits at a UDP socket with one system call, in C. See udp.py.

recvmmsg(2): all datagrams of a wake-up at once, and no second call that only hears that there are
no more. Senders are known by their raw address, which is turned into text once.
"""

from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <arpa/inet.h>
    #include <netinet/in.h>
    #include <sys/socket.h>

    /* A datagram over UDP has at most 65,507 octets; MSG_TRUNC tells of none that is longer. */
    #define DATAGRAM 65536
    #define AT_ONCE 16
    #define SENDERS 256

    struct batch {
        struct mmsghdr messages[AT_ONCE];
        struct iovec places[AT_ONCE];
        struct sockaddr_in6 senders[AT_ONCE];
        char *data;
    };

    static void batch_prepare(struct batch *batch, int at) {
        struct msghdr *header = &batch->messages[at].msg_hdr;
        batch->places[at].iov_base = batch->data + (size_t)at * DATAGRAM;
        batch->places[at].iov_len = DATAGRAM;
        header->msg_iov = &batch->places[at];
        header->msg_iovlen = 1;
        header->msg_name = &batch->senders[at];
        header->msg_namelen = sizeof batch->senders[at];
    }

    static int batch_receive(struct batch *batch, int fd, int most) {
        return recvmmsg(fd, batch->messages, (unsigned)most, MSG_DONTWAIT, NULL);
    }

    static unsigned sender_place(const struct sockaddr_in6 *sender) {
        const unsigned char *octets = (const unsigned char *)sender;
        unsigned value = 2166136261u;
        /* Port and IPv4 address, and of IPv6 what differs most. */
        for (int i = 2; i < 8; i++)
            value = (value ^ octets[i]) * 16777619u;
        if (sender->sin6_family == AF_INET6)
            for (int i = 16; i < 24; i++)
                value = (value ^ octets[i]) * 16777619u;
        return (value ^ (value >> 16)) % SENDERS;
    }

    static int sender_port(const struct sockaddr_in6 *sender) { return ntohs(sender->sin6_port); }

    static const char *sender_host(const struct sockaddr_in6 *sender, char *text) {
        if (sender->sin6_family == AF_INET6)
            return inet_ntop(AF_INET6, &sender->sin6_addr, text, INET6_ADDRSTRLEN);
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)sender)->sin_addr, text,
                         INET6_ADDRSTRLEN);
    }
    """
    ctypedef unsigned int socklen_t
    int DATAGRAM, AT_ONCE, SENDERS
    cdef struct sockaddr_in6:
        pass
    cdef struct msghdr:
        socklen_t msg_namelen
    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    cdef struct batch:
        mmsghdr messages[16]
        sockaddr_in6 senders[16]
        char *data
    void batch_prepare(batch *batch, int at) noexcept
    int batch_receive(batch *batch, int fd, int most) noexcept
    unsigned int sender_place(const sockaddr_in6 *sender) noexcept
    int sender_port(const sockaddr_in6 *sender) noexcept
    const char *sender_host(const sockaddr_in6 *sender, char *text) noexcept

cdef extern from "Python.h":
    object PyBytes_FromStringAndSize(const char *data, Py_ssize_t size)

MOST_AT_ONCE = AT_ONCE


cdef class Datagrams:
    """Reads the UDP socket `fd`; `flow_of(host, port)` makes what a sender is called, once for
    each as long as it is remembered here. Nothing is remembered of what it gives None for."""

    cdef int fd
    cdef object flow_of
    cdef batch *received
    cdef list flows
    cdef sockaddr_in6 known[256]

    def __cinit__(self, int fd, flow_of):
        cdef int at
        self.fd = fd
        self.flow_of = flow_of
        self.flows = [None] * SENDERS
        self.received = <batch *>calloc(1, sizeof(batch))
        if self.received != NULL:
            self.received.data = <char *>calloc(AT_ONCE, DATAGRAM)
        if self.received == NULL or self.received.data == NULL:
            raise MemoryError
        for at in range(AT_ONCE):
            batch_prepare(self.received, at)

    def __dealloc__(self):
        if self.received != NULL:
            free(self.received.data)
            free(self.received)

    def read(self, int most):
        """Up to `most` (1 to MOST_AT_ONCE) datagrams as [data, flow, data, flow...]; empty when none waits.

        Raises OSError: what an earlier datagram of ours met with.
        """
        cdef int count = batch_receive(self.received, self.fd, min(max(most, 1), AT_ONCE))
        cdef int at
        cdef list found = []
        if count < 0:
            if errno == EAGAIN or errno == EINTR:
                return found
            PyErr_SetFromErrno(OSError)
        for at in range(count):
            flow = self.flow_at(at)
            data = PyBytes_FromStringAndSize(
                self.received.data + <Py_ssize_t>at * DATAGRAM, self.received.messages[at].msg_len)
            found.append(data)
            found.append(flow)
        return found

    cdef object flow_at(self, int at):
        cdef sockaddr_in6 *sender = &self.received.senders[at]
        cdef socklen_t length = self.received.messages[at].msg_hdr.msg_namelen
        cdef unsigned int place = sender_place(sender)
        cdef char host[46]
        # The kernel writes back how long the address is.
        self.received.messages[at].msg_hdr.msg_namelen = sizeof(sockaddr_in6)
        if self.flows[place] is not None and not memcmp(&self.known[place], sender, length):
            return self.flows[place]
        flow = self.flow_of(sender_host(sender, host).decode("ascii"), sender_port(sender))
        self.flows[place] = flow
        memset(&self.known[place], 0, sizeof(sockaddr_in6))
        memcpy(&self.known[place], sender, length)
        return flow

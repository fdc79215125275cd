# cython: language_level=3, boundscheck=False, wraparound=False
"""Cuts a usual session description into its lines, in C. See description.py.

What is in any way unusual (not ASCII, beyond limits, a line that is none, no version) is left to
description.py, which alone defines what is accepted.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr

cdef extern from "Python.h":
    object PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)
    int PyUnicode_1BYTE_KIND

cdef enum:
    # Less than the limits of description.py: whatever is longer is unusual.
    MAX_BYTES = 4096
    MAX_LINES = 200


cdef inline object text(const char *start, Py_ssize_t length):
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, start, length)


cdef inline bint is_space(char c) noexcept:
    """What str.strip() takes off, of ASCII."""
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31


cdef inline bint is_ascii(const char *data, Py_ssize_t size) noexcept:
    cdef Py_ssize_t at
    cdef unsigned char all_bits = 0
    for at in range(size):
        all_bits |= <unsigned char>data[at]
    return all_bits < 0x80


def cut(bytes data):
    """The sections, the session's first: [origin, connection, lines, attributes], the first two
    None where they are not said; `lines` of a medium begin with its m-line. None for what is to be
    read with more care."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef const char *end = start + size
    cdef const char *line_end
    cdef const char *behind
    cdef int count = 0
    cdef bint has_version = False, in_session = True
    if size > MAX_BYTES or not is_ascii(start, size):
        return None
    cdef list lines = [], attributes = []
    cdef list section = [None, None, lines, attributes]
    cdef list sections = [section]
    while start <= end:
        count += 1
        if count > MAX_LINES:
            return None
        line_end = <const char *>memchr(start, 10, end - start)
        if line_end == NULL:
            line_end = end
        behind = line_end
        while start < behind and is_space(start[0]):
            start += 1
        while behind > start and is_space((behind - 1)[0]):
            behind -= 1
        if start == behind:
            start = line_end + 1
            continue
        if behind - start < 2 or start[1] != 61 or not 65 <= (start[0] & 0xDF) <= 90:
            return None
        line = text(start, behind - start)
        if start[0] == 109:  # m
            in_session = False
            lines, attributes = [], []
            section = [None, None, lines, attributes]
            sections.append(section)
        elif start[0] == 97:  # a
            attributes.append(text(start + 2, behind - start - 2))
        elif start[0] == 99:  # c
            if section[1] is None:
                section[1] = text(start + 2, behind - start - 2)
        elif start[0] == 111:  # o
            if in_session and section[0] is None:
                section[0] = text(start + 2, behind - start - 2)
        elif start[0] == 118:  # v
            if behind - start != 3 or start[2] != 48:
                return None
            has_version = True
        lines.append(line)
        start = line_end + 1
    return sections if has_version else None

# cython: language_level=3, boundscheck=False, wraparound=False
"""Cuts usual messages into their parts, in C: start line, header lines, body (see message.py), and
what transactions need of the top Via, of tags and of CSeq (see inspect.py).

What is in any way unusual (not ASCII, a folded or endless line, an odd start line, a
Content-Length that is not the body's) is left to these modules, which alone define what is
accepted.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_SetItem
from cpython.list cimport PyList_Append
from libc.string cimport memchr, memcmp

cdef extern from "Python.h":
    object PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)
    object PyBytes_FromStringAndSize(const char *data, Py_ssize_t size)
    void *PyDict_GetItem(object mapping, object key)
    bint PyUnicode_IS_ASCII(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int PyUnicode_1BYTE_KIND

cdef enum:
    # The same limits as message.py has.
    MAX_MESSAGE = 8192
    MAX_LINES = 256
    # Names are kept by a hash of their spelling, so that none is made a string to be looked up.
    SLOTS = 2048
    LONGEST_NAME = 31

cdef struct known_name:
    unsigned char length
    char spelling[LONGEST_NAME]

cdef known_name NAMES[SLOTS]
cdef list CANONICAL = [None] * SLOTS
cdef dict METHODS = {}
cdef object canonical_of = None
cdef str VERSION = "SIP/2.0"


cdef inline unsigned int place_of(const char *name, Py_ssize_t length) noexcept:
    cdef unsigned int value = 2166136261
    cdef Py_ssize_t at
    for at in range(length):
        value = (value ^ <unsigned char>name[at]) * 16777619
    return (value ^ (value >> 15)) % SLOTS


def learn(dict names, methods, unusual):
    """Takes the names by every known spelling, the usual methods, and who is asked for the
    canonical spelling of other names: `unusual(name)`, None for what is no name."""
    global canonical_of
    cdef bytes spelling
    cdef unsigned int place
    for name, canonical in names.items():
        spelling = name.encode("ascii")
        if len(spelling) > LONGEST_NAME:
            continue
        place = place_of(PyBytes_AS_STRING(spelling), len(spelling))
        while CANONICAL[place] is not None:
            place = (place + 1) % SLOTS
        NAMES[place].length = <unsigned char>len(spelling)
        for at in range(len(spelling)):
            NAMES[place].spelling[at] = PyBytes_AS_STRING(spelling)[at]
        CANONICAL[place] = canonical
    METHODS.update((name, name) for name in methods)
    canonical_of = unusual


cdef inline object text(const char *start, Py_ssize_t length):
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, start, length)


cdef inline object name_of(const char *name, Py_ssize_t length):
    cdef unsigned int place
    if length <= LONGEST_NAME:
        place = place_of(name, length)
        while NAMES[place].length:
            if NAMES[place].length == length and not memcmp(NAMES[place].spelling, name, length):
                return CANONICAL[place]
            place = (place + 1) % SLOTS
    return canonical_of(text(name, length))


cdef inline bint is_space(char c) noexcept:
    """What str.strip() takes off, of ASCII."""
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31


cdef inline Py_ssize_t length_of_head(const char *data, Py_ssize_t size) noexcept:
    """Up to the empty line; -1 when there is none, a line break that is no CRLF, or no ASCII."""
    cdef Py_ssize_t at = 0
    while at < size:
        if <unsigned char>data[at] >= 0x80 or data[at] == 10:
            return -1
        if data[at] == 13:
            if at + 1 >= size or data[at + 1] != 10:
                return -1
            if at + 3 < size and data[at + 2] == 13 and data[at + 3] == 10:
                return at
            at += 1
        at += 1
    return -1


def read_usual(bytes data):
    """The three words of the start line, the header lines by canonical name, and the body; None
    for what is to be read with more care."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    if size > MAX_MESSAGE:
        return None
    cdef Py_ssize_t head = length_of_head(start, size)
    if head < 0:
        return None
    cdef const char *end = start + head
    cdef const char *line_end = <const char *>memchr(start, 13, head)
    if line_end == NULL:
        return None
    words = start_line(start, line_end)
    if words is None:
        return None
    fields = {}
    cdef int lines = 0
    while line_end < end:
        lines += 1
        if lines > MAX_LINES:
            return None
        start = line_end + 2
        line_end = <const char *>memchr(start, 13, end - start)
        if line_end == NULL:
            line_end = end
        if not header_line(fields, start, line_end):
            return None
    start = end + 4
    cdef Py_ssize_t body = size - head - 4
    if not has_length(fields, body):
        return None
    return words[0], words[1], words[2], fields, PyBytes_FromStringAndSize(start, body)


cdef object start_line(const char *start, const char *end):
    cdef const char *first = <const char *>memchr(start, 32, end - start)
    if first == NULL or memchr(start, 9, end - start) != NULL:
        return None
    cdef const char *second = <const char *>memchr(first + 1, 32, end - first - 1)
    if second == NULL or second == first + 1:
        return None
    one = text(start, first - start)
    two = text(first + 1, second - first - 1)
    three = text(second + 1, end - second - 1)
    if three == VERSION:
        return (one, two, three) if one in METHODS else None
    if one != VERSION or len(two) != 3 or not two.isdigit() or not "1" <= two[0] <= "6":
        return None
    return one, two, three


cdef bint header_line(dict fields, const char *start, const char *end) except -1:
    cdef const char *colon = <const char *>memchr(start, 58, end - start)
    if colon == NULL:
        return False
    name = name_of(start, colon - start)
    if name is None:
        return False
    start = colon + 1
    while start < end and is_space(start[0]):
        start += 1
    while end > start and is_space((end - 1)[0]):
        end -= 1
    value = text(start, end - start)
    cdef void *known = PyDict_GetItem(fields, name)
    if known == NULL:
        PyDict_SetItem(fields, name, [value])
    else:
        PyList_Append(<object>known, value)
    return True


cdef bint has_length(dict fields, Py_ssize_t body) except -1:
    lengths = fields.get("Content-Length")
    return lengths is None or (len(lengths) == 1 and lengths[0] == str(body))


# Parts of header values.

cdef inline bint is_digit(char c) noexcept:
    return 48 <= c <= 57


cdef inline bint is_letter(char c) noexcept:
    return 65 <= (c & 0xDF) <= 90 and c > 0


cdef inline bint is_of_word(char c) noexcept:
    """A token character: what may stand in a branch or a tag."""
    return is_letter(c) or is_digit(c) or (c > 32 and memchr(b"-._*+!%`'~", c, 10) != NULL)


cdef inline const char *after(const char *at, const char *end, const char *word, Py_ssize_t size) noexcept:
    """Behind `word` if it stands at `at`, else NULL."""
    return at + size if end - at >= size and not memcmp(at, word, size) else NULL


cdef const char *after_rport(const char *at, const char *end, bint *found) noexcept:
    cdef const char *behind = after(at, end, b";rport", 6)
    cdef int digits = 0
    if behind == NULL:
        return at
    if behind < end and behind[0] == 61:
        behind += 1
        while behind < end and is_digit(behind[0]):
            behind += 1
            digits += 1
            if digits > 5:
                return NULL
    found[0] = True
    return behind


cdef const char *after_received(const char *at, const char *end, bint *found) noexcept:
    cdef const char *behind = after(at, end, b";received=", 10)
    cdef const char *first = behind
    if behind == NULL:
        return at
    while behind < end and (is_digit(behind[0]) or behind[0] == 46):
        behind += 1
    if behind == first:
        return NULL
    found[0] = True
    return behind


def read_hop(str value, make):
    """`make(host, port, branch, has_rport, has_received)` of a usual Via; None of any other."""
    if not PyUnicode_IS_ASCII(value):
        return None
    cdef const char *at = <const char *>PyUnicode_DATA(value)
    cdef const char *end = at + PyUnicode_GET_LENGTH(value)
    cdef const char *host = after(at, end, b"SIP/2.0/UDP ", 12)
    cdef bint has_rport = False, has_received = False
    cdef int port = 0, digits = 0
    if host == NULL:
        host = after(at, end, b"SIP/2.0/TCP ", 12)
    if host == NULL:
        return None
    at = host
    while at < end and (is_letter(at[0]) or is_digit(at[0]) or at[0] == 46 or at[0] == 45):
        at += 1
    cdef Py_ssize_t host_length = at - host
    if not host_length:
        return None
    if at < end and at[0] == 58:
        at += 1
        while at < end and is_digit(at[0]) and digits <= 5:
            port = port * 10 + at[0] - 48
            digits += 1
            at += 1
        if not 1 <= digits <= 5:
            return None
    at = after_rport(at, end, &has_rport)
    if at == NULL:
        return None
    cdef const char *branch = after(at, end, b";branch=", 8)
    if branch == NULL:
        return None
    at = branch
    while at < end and is_of_word(at[0]):
        at += 1
    cdef Py_ssize_t branch_length = at - branch
    if not branch_length:
        return None
    at = after_received(at, end, &has_received)
    if at != NULL:
        at = after_rport(at, end, &has_rport)
    if at != NULL:
        at = after_received(at, end, &has_received)
    if at != end:
        return None
    return make(
        text(host, host_length), port if digits else None, text(branch, branch_length),
        has_rport, has_received)


def read_tag(str value):
    """The tag behind the `>` of an address, empty when nothing stands there; None when another
    parameter does, or there is no `>`."""
    if not PyUnicode_IS_ASCII(value):
        return None
    cdef const char *start = <const char *>PyUnicode_DATA(value)
    cdef const char *end = start + PyUnicode_GET_LENGTH(value)
    cdef const char *at = end
    while at > start and (at - 1)[0] != 62:
        at -= 1
    if at == start:
        return None
    if at == end:
        return ""
    cdef const char *tag = after(at, end, b";tag=", 5)
    if tag == NULL or tag == end:
        return None
    at = tag
    while at < end and is_of_word(at[0]):
        at += 1
    return text(tag, end - tag) if at == end else None


def read_number(str value):
    """The number that a usual CSeq begins with; -1 when it is none of under ten digits."""
    if not PyUnicode_IS_ASCII(value):
        return -1
    cdef const char *start = <const char *>PyUnicode_DATA(value)
    cdef const char *end = start + PyUnicode_GET_LENGTH(value)
    cdef const char *at = start
    cdef long number = 0
    while at < end and is_digit(at[0]) and at - start < 10:
        number = number * 10 + at[0] - 48
        at += 1
    if not 0 < at - start < 10 or (at < end and at[0] != 32):
        return -1
    return number

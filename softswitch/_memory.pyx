"""Python's small objects in huge pages.

A call touches a few megabytes of small objects, scattered over tens of megabytes, and comes ten
milliseconds after the one before: with pages of 4 kB the processor has forgotten by then where they
are, and each look-up is twice as long inside a virtual machine. CPython takes its memory for small
objects in arenas; here they come out of regions for which huge pages are asked (madvise), which is
what most systems give to those who ask.

https://docs.python.org/3/c-api/memory.html#customize-pymalloc-arena-allocator; madvise(2).
"""

from libc.stdint cimport uintptr_t

cdef extern from "Python.h":
    ctypedef struct PyObjectArenaAllocator:
        void *ctx
        void *(*alloc)(void *ctx, size_t size) noexcept
        void (*free)(void *ctx, void *ptr, size_t size) noexcept

    void PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator)
    void PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator)

cdef extern from "sys/mman.h" nogil:
    void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)
    int madvise(void *addr, size_t length, int advice)
    void *MAP_FAILED
    int PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE

cdef extern from *:
    """
    #include <sys/mman.h>
    #ifdef MADV_HUGEPAGE
    #define ADVICE_HUGE MADV_HUGEPAGE
    #else
    #define ADVICE_HUGE (-1)
    #endif
    """
    int ADVICE_HUGE

cdef size_t HUGE_PAGE = 2 << 20
# Address space only; memory is what is touched.
cdef size_t REGION = 64 << 20

# Python's own allocator, for what is no arena of the usual size.
cdef PyObjectArenaAllocator before
# The region that arenas are cut from, and those given back, each holding the address of the next.
# All of this is touched under the interpreter's lock only.
cdef char *cut = NULL
cdef char *end = NULL
cdef void *returned = NULL
cdef size_t arena = 0
cdef bint used = False


cdef void *_alloc(void *ctx, size_t size) noexcept:
    global cut, end, returned, arena
    cdef char *region
    cdef void *given
    if arena == 0 and size != 0 and HUGE_PAGE % size == 0:
        arena = size
    if size != arena:
        return before.alloc(before.ctx, size)
    if returned != NULL:
        given = returned
        returned = (<void **> given)[0]
        return given
    if cut == end:
        region = <char *> mmap(
            NULL, REGION + HUGE_PAGE, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0,
        )
        if region == <char *> MAP_FAILED:
            return NULL
        region = <char *> ((<uintptr_t> region + HUGE_PAGE - 1) & ~<uintptr_t> (HUGE_PAGE - 1))
        madvise(region, REGION, ADVICE_HUGE)
        cut = region
        end = region + REGION
    given = cut
    cut += size
    return given


cdef void _free(void *ctx, void *ptr, size_t size) noexcept:
    # Whoever it came from: an arena is as good as another.
    global returned
    if size != arena:
        before.free(before.ctx, ptr, size)
        return
    (<void **> ptr)[0] = returned
    returned = ptr


def use_huge_pages() -> bool:
    """Take memory for small objects in huge pages from now on; whether that can be.

    What is there already stays where it is, and what is given back is kept for arenas to come.
    """
    global used
    cdef PyObjectArenaAllocator ours
    if used or ADVICE_HUGE < 0:
        return used
    PyObject_GetArenaAllocator(&before)
    ours.ctx = NULL
    ours.alloc = _alloc
    ours.free = _free
    PyObject_SetArenaAllocator(&ours)
    used = True
    return True

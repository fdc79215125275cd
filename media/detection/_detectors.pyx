# cython: language_level=3
"""Python's hand on the native detectors: checks arguments, hands over arrays, brings back signs.

Called with Python's lock held, by one thread at a time.
"""

import numpy as np

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stddef cimport size_t
from libc.stdint cimport int16_t, int64_t, intptr_t, uint8_t

from media.detection.signs import Sign, SignKind


cdef extern from "<stdbool.h>":
    ctypedef bint c_bool "bool"


cdef extern from "detectors.h":
    enum:
        FRAME, TONE_ROOM, MAX_SLOTS, WANT_KEYS, WANT_FAX, WANT_PROGRESS, WANT_BEEP
        SIGN_KEY, SIGN_KEY_SOUNDS, SIGN_FAX, SIGN_PROGRESS, SIGN_BURST, SIGN_PAUSE
    struct burst:
        float milliseconds
        float *shares
    struct sign:
        intptr_t slot
        int kind
        const char *name
        burst burst
    struct round:
        size_t rows
        const intptr_t *slots
        const int16_t *samples
        const uint8_t *valid
        const int64_t *positions
        const float *power
        uint8_t *tonal
        uint8_t *beep
    struct detectors:
        sign *signs
        size_t sign_count
        size_t room

    detectors *detectors_create(const double *, int)
    void detectors_destroy(detectors *)
    c_bool detectors_open(detectors *, size_t, uint8_t)
    c_bool detectors_want(detectors *, size_t, uint8_t)
    c_bool detectors_hear(detectors *, const round *)


KINDS = {
    SIGN_KEY: SignKind.KEY,
    SIGN_KEY_SOUNDS: SignKind.KEY_SOUNDS,
    SIGN_FAX: SignKind.FAX,
    SIGN_PROGRESS: SignKind.PROGRESS,
    SIGN_BURST: SignKind.BURST,
    SIGN_PAUSE: SignKind.PAUSE,
}
SLOT = np.dtype(np.intp)
SAMPLE = np.dtype(np.int16)
FLAG = np.dtype(np.bool_)
POSITION = np.dtype(np.int64)
POWER = np.dtype(np.float32)
EACH = (SLOT, POSITION, POWER)
FRAMES = (SAMPLE, FLAG)
zeros = np.zeros


cdef class Detectors:
    """All detectors of all legs; see detectors.h."""

    cdef detectors *core
    cdef int frequencies

    def __cinit__(self, frequencies):
        cdef double hertz[TONE_ROOM]
        cdef int i
        if len(frequencies) > TONE_ROOM:
            raise ValueError(f"{len(frequencies)} frequencies are more than {TONE_ROOM}")
        for i, frequency in enumerate(frequencies):
            hertz[i] = frequency
        self.frequencies = len(frequencies)
        self.core = detectors_create(hertz, self.frequencies)
        if not self.core:
            raise MemoryError("no memory for detectors")

    def __dealloc__(self):
        if self.core:
            detectors_destroy(self.core)

    def open(self, slot, *, keys=False, fax=False, progress=False, beep=False):
        """Another leg has this slot, and is listened to for this."""
        if not 0 <= slot < MAX_SLOTS:
            raise ValueError(f"slot {slot} is not below {MAX_SLOTS}")
        if not detectors_open(self.core, slot, wants(keys, fax, progress, beep)):
            raise MemoryError("no memory for another leg")

    def want(self, slot, *, keys=False, fax=False, progress=False, beep=False):
        """What the leg is listened to for from now on."""
        if slot < 0 or not detectors_want(self.core, slot, wants(keys, fax, progress, beep)):
            raise IndexError(f"slot {slot} was not opened")

    def hear(self, slots, samples, valid, positions, power):
        """One frame of many legs: (whether a tone carries it [M], whether a beep is over [M], signs).

        `slots` [M] intp, `samples` [M, 160] int16, zero where nothing arrived, `valid` [M, 160]
        bool, `positions` [M] int64, `power` [M] float32, the mean square of the samples, a full
        scale of 1. Raises ValueError for arrays that are none of these, IndexError for a slot that
        was not opened.
        """
        cdef Py_ssize_t rows = len(slots)
        if (slots.dtype, positions.dtype, power.dtype) != EACH:
            raise ValueError("slots, positions and power are intp, int64 and float32")
        if (samples.dtype, valid.dtype) != FRAMES:
            raise ValueError("samples are int16, valid is bool")
        if samples.shape != (rows, FRAME) or valid.shape != samples.shape:
            raise ValueError("frames are [M, 160]")
        if slots.ndim != 1 or positions.shape != (rows,) or power.shape != (rows,):
            raise ValueError("slots, positions and power are [M]")
        told = zeros((2, rows), FLAG)
        if rows and not self.hear_arrays((slots, samples, valid, positions, power), told):
            if int(slots.min()) < 0 or int(slots.max()) >= <Py_ssize_t>self.core.room:
                raise IndexError("a slot was not opened")
            raise MemoryError("no memory for what was recognised")
        return told[0], told[1], self.signs()

    cdef bint hear_arrays(self, tuple arrays, told) except -1:
        """The arrays are what they should be."""
        cdef Py_buffer views[6]
        cdef int taken = 0
        cdef round round
        try:
            for array in arrays:
                PyObject_GetBuffer(array, &views[taken], PyBUF_SIMPLE)
                taken += 1
            PyObject_GetBuffer(told, &views[taken], PyBUF_WRITABLE)
            taken += 1
            round.rows = views[0].len // sizeof(intptr_t)
            round.slots = <const intptr_t *>views[0].buf
            round.samples = <const int16_t *>views[1].buf
            round.valid = <const uint8_t *>views[2].buf
            round.positions = <const int64_t *>views[3].buf
            round.power = <const float *>views[4].buf
            round.tonal = <uint8_t *>views[5].buf
            round.beep = round.tonal + round.rows
            return detectors_hear(self.core, &round)
        finally:
            while taken:
                taken -= 1
                PyBuffer_Release(&views[taken])

    cdef list signs(self):
        cdef size_t at
        cdef int tone
        cdef sign *one
        told = []
        for at in range(self.core.sign_count):
            one = &self.core.signs[at]
            if one.kind == SIGN_BURST:
                shares = tuple([one.burst.shares[tone] for tone in range(self.frequencies)])
                told.append(Sign(one.slot, SignKind.BURST, "", one.burst.milliseconds, shares))
            elif one.kind == SIGN_PAUSE:
                told.append(Sign(one.slot, SignKind.PAUSE, "", one.burst.milliseconds))
            else:
                told.append(Sign(one.slot, KINDS[one.kind], one.name.decode()))
        return told


cdef uint8_t wants(keys, fax, progress, beep):
    return ((WANT_KEYS if keys else 0) | (WANT_FAX if fax else 0)
            | (WANT_PROGRESS if progress else 0) | (WANT_BEEP if beep else 0))

"""Debian's libspandsp 0.0.6 by ctypes: the few functions of T.30, its modems and T.38 that a fax
machine needs. For a process of its own: the library is nobody's here, and may crash.

Signatures are those of the headers of 0.0.6 (soname .so.2); later ones have others. What a page
became is read by libtiff, which the library itself writes it with.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_char_p,
    c_int,
    c_int16,
    c_uint8,
    c_uint16,
    c_uint32,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME = 160
"""Samples of 20 ms."""

_PHASE_E = CFUNCTYPE(None, c_void_p, c_void_p, c_int)
_SEND = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(c_uint8), c_int, c_int)
_SAMPLES = POINTER(c_int16)

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "fax_init": (c_void_p, [c_void_p, c_int]),
    "fax_free": (c_int, [c_void_p]),
    "fax_get_t30_state": (c_void_p, [c_void_p]),
    "fax_set_transmit_on_idle": (None, [c_void_p, c_int]),
    "fax_tx": (c_int, [c_void_p, _SAMPLES, c_int]),
    "fax_rx": (c_int, [c_void_p, _SAMPLES, c_int]),
    "fax_rx_fillin": (c_int, [c_void_p, c_int]),
    "t38_terminal_init": (c_void_p, [c_void_p, c_int, _SEND, c_void_p]),
    "t38_terminal_free": (c_int, [c_void_p]),
    "t38_terminal_get_t30_state": (c_void_p, [c_void_p]),
    "t38_terminal_get_t38_core_state": (c_void_p, [c_void_p]),
    "t38_terminal_send_timeout": (c_int, [c_void_p, c_int]),
    "t38_core_rx_ifp_packet": (c_int, [c_void_p, c_char_p, c_int, c_uint16]),
    "t30_set_tx_ident": (c_int, [c_void_p, c_char_p]),
    "t30_set_tx_file": (None, [c_void_p, c_char_p, c_int, c_int]),
    "t30_set_rx_file": (None, [c_void_p, c_char_p, c_int]),
    "t30_set_ecm_capability": (c_int, [c_void_p, c_int]),
    "t30_set_supported_compressions": (c_int, [c_void_p, c_int]),
    "t30_set_phase_e_handler": (None, [c_void_p, _PHASE_E, c_void_p]),
    "t30_get_transfer_statistics": (None, [c_void_p, POINTER(c_int)]),
    "t30_get_logging_state": (c_void_p, [c_void_p]),
    "t30_completion_code_to_str": (c_char_p, [c_int]),
    "span_log_set_level": (c_int, [c_void_p, c_int]),
}
_TIFF_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "TIFFOpen": (c_void_p, [c_char_p, c_char_p]),
    "TIFFScanlineSize": (c_int, [c_void_p]),
    "TIFFReadScanline": (c_int, [c_void_p, c_char_p, c_uint32, c_uint16]),
    "TIFFClose": (None, [c_void_p]),
}
_1D, _2D, _T6 = 0x02, 0x04, 0x08
_LOG = 5 | 0x100 | 0x200 | 0x400
"""Up to its flow, each line with its kind, its part and whose it is; on standard error."""
_STATISTICS = 64
"""Far more numbers than it writes."""


def _load(name: str, signatures: dict[str, tuple[Any, list[Any]]]) -> ctypes.CDLL:
    library = ctypes.CDLL(name)
    for function, (result, arguments) in signatures.items():
        found = getattr(library, function)
        found.restype, found.argtypes = result, arguments
    return library


class Terminal:
    """One end of a fax: what its two kinds have alike. `page` is the file that it sends, when it
    calls, or writes."""

    def __init__(self, page: Path, *, calling: bool, ecm: bool) -> None:
        self._library = _load("libspandsp.so.2", _SIGNATURES)
        self.completion: int | None = None
        """How it went (T.30 phase E); None while it goes on. 0 is well."""
        self._on_phase_e = _PHASE_E(self._complete)
        self._state = self._create(calling)
        self._t30 = self._t30_of(self._state)
        library, t30 = self._library, self._t30
        library.span_log_set_level(library.t30_get_logging_state(t30), _LOG)
        library.t30_set_tx_ident(t30, b"+16025550100" if calling else b"+16025551234")
        library.t30_set_ecm_capability(t30, int(ecm))
        library.t30_set_supported_compressions(t30, _1D | _2D | (_T6 if ecm else 0))
        library.t30_set_phase_e_handler(t30, self._on_phase_e, None)
        name = str(page).encode()
        if calling:
            library.t30_set_tx_file(t30, name, -1, -1)
        else:
            library.t30_set_rx_file(t30, name, -1)

    def _create(self, calling: bool) -> int:
        raise NotImplementedError

    def _t30_of(self, state: int) -> int:
        raise NotImplementedError

    def close(self) -> None:
        """Ends it, wherever it is."""
        raise NotImplementedError

    def _complete(self, _t30: int, _data: int, code: int) -> None:
        if self.completion is None:
            self.completion = code

    def words(self) -> str:
        """How it went, as the library says it."""
        if self.completion is None:
            return "goes on"
        said: bytes = self._library.t30_completion_code_to_str(self.completion)
        return said.decode()

    def statistics(self) -> tuple[int, bool, int]:
        """Bits a second, whether errors are corrected (ECM), and pages."""
        numbers = (c_int * _STATISTICS)()
        self._library.t30_get_transfer_statistics(self._t30, numbers)
        return numbers[0], bool(numbers[1]), numbers[2] + numbers[3]


class SoundTerminal(Terminal):
    """A fax by sound: takes and gives samples at 8,000 Hz."""

    def _create(self, calling: bool) -> int:
        state: int = self._library.fax_init(None, int(calling))
        self._library.fax_set_transmit_on_idle(state, 1)
        return state

    def _t30_of(self, state: int) -> int:
        t30: int = self._library.fax_get_t30_state(state)
        return t30

    def say(self) -> NDArray[np.int16]:
        """The next 20 ms of what it sends."""
        samples = np.zeros(FRAME, np.int16)
        self._library.fax_tx(self._state, samples.ctypes.data_as(_SAMPLES), FRAME)
        return samples

    def hear(self, samples: NDArray[np.int16]) -> None:
        """What has come."""
        data = np.ascontiguousarray(samples, np.int16)
        self._library.fax_rx(self._state, data.ctypes.data_as(_SAMPLES), data.size)

    def miss(self, count: int) -> None:
        """So many samples were lost."""
        self._library.fax_rx_fillin(self._state, count)

    def close(self) -> None:
        self._library.fax_free(self._state)


class PacketTerminal(Terminal):
    """A fax by T.38: takes and gives packets (IFP), each to be sent so many times."""

    def __init__(
        self, page: Path, *, calling: bool, ecm: bool, send: Callable[[bytes, int], None]
    ) -> None:
        self._send = send
        self._on_packet = _SEND(self._pass_on)
        super().__init__(page, calling=calling, ecm=ecm)
        self._core: int = self._library.t38_terminal_get_t38_core_state(self._state)

    def _create(self, calling: bool) -> int:
        state: int = self._library.t38_terminal_init(None, int(calling), self._on_packet, None)
        return state

    def _t30_of(self, state: int) -> int:
        t30: int = self._library.t38_terminal_get_t30_state(state)
        return t30

    def _pass_on(self, _core: int, _data: int, packet: Any, length: int, count: int) -> int:
        self._send(ctypes.string_at(packet, length), count)
        return 0

    def let_pass(self, count: int) -> None:
        """So many samples of time have gone by."""
        self._library.t38_terminal_send_timeout(self._state, count)

    def hear(self, number: int, packet: bytes) -> None:
        """What has come."""
        self._library.t38_core_rx_ifp_packet(self._core, packet, len(packet), number)

    def close(self) -> None:
        self._library.t38_terminal_free(self._state)


def read_page(path: Path) -> bytes:
    """The rows of the first page of a file, one bit a pixel, 1 is black; empty: there is none."""
    library = _load("libtiff.so.6", _TIFF_SIGNATURES)
    file = library.TIFFOpen(str(path).encode(), b"r")
    if not file:
        return b""
    row = ctypes.create_string_buffer(library.TIFFScanlineSize(file))
    rows: list[bytes] = []
    while library.TIFFReadScanline(file, row, len(rows), 0) == 1:
        rows.append(row.raw)
    library.TIFFClose(file)
    return b"".join(rows)

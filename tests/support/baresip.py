"""Debian's baresip as a phone for tests: its own SIP, RTP and SRTP (libre), none of ours.

It plays a tone of 440 Hz, writes down what it hears, and answers calls by itself. It ends after so
many seconds, or when it is closed.
"""

from __future__ import annotations

import json
import math
import shutil
import socket
import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.certificates import CERTIFICATE, KEY
from tests.support.ports import free_sip_port
from tests.support.rtp_end import FRAME, RtpEnd, heard, ulaw_to_linear

PROGRAM = shutil.which("baresip")
MODULES = Path("/usr/lib/baresip/modules")
needs_baresip = pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed")

TONE_HZ = 440
WAV_HEAD = 44
MAX_SECONDS = 60
"""A phone that a test forgets ends by itself."""

CONFIGURATION = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_source aufile,{tone}
audio_player aubridge,heard
audio_alert aubridge,alert
rtcp_mux {mux}
module_path {modules}
module {codec}.so
module srtp.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {folder}
sip_certificate {folder}/certificate.pem
sip_cafile {folder}/certificate.pem
module uuid.so
module stdio.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


_FORMS = {"g711": (8000, 1), "g722": (16000, 1), "opus": (48000, 2)}
"""Rate and channels of the sound that a codec is given."""


class Baresip:
    """One running phone of the user `user`; `encryption` as its `mediaenc`, empty for none; `codec`
    is the module of the one codec that it speaks."""

    def __init__(
        self,
        folder: Path,
        *,
        user: str = "bare",
        encryption: str = "",
        one_port: bool = False,
        dial: str = "",
        codec: str = "g711",
        transport: str = "udp",
        registrar: tuple[str, int] | None = None,
        password: str = "",
    ) -> None:
        """`registrar` is where it registers, with a `password`, and what its calls go by."""
        self.port = free_sip_port()
        self._control = free_sip_port()
        folder.mkdir(parents=True)
        self._folder = folder
        self._log = folder / "log"
        tone = folder / "tone.wav"
        _write_tone(tone, 30, *_FORMS[codec])
        (folder / "config").write_text(
            CONFIGURATION.format(
                port=self.port, tone=tone, folder=folder, modules=MODULES,
                mux="yes" if one_port else "no", control=self._control, codec=codec,
            )
        )  # fmt: skip
        only = ";audio_codecs=pcmu" if codec == "g711" else ""
        secure = f";mediaenc={encryption}" if encryption else ""
        (folder / "certificate.pem").write_text(KEY + CERTIFICATE)
        place, login = "127.0.0.1", "regint=0"
        if registrar:
            place, login = f"{registrar[0]}:{registrar[1]}", f"regint=60;auth_pass={password}"
        account = f"<sip:{user}@{place};transport={transport}>;{login};answermode=auto"
        (folder / "accounts").write_text(f"{account}{only}{secure}\n")
        (folder / "contacts").write_text("")
        self._command = [str(PROGRAM), "-f", str(folder), "-t", str(MAX_SECONDS)]
        self._command += ["-e", f"/dial {dial}"] if dial else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; it is ready a moment later."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def do(self, command: str, parameters: str = "") -> None:
        """Has it do what its user would: `transfer` a call, say."""
        told = json.dumps({"command": command, "params": parameters, "token": "t"})
        with socket.create_connection(("127.0.0.1", self._control), timeout=5) as control:
            control.sendall(f"{len(told)}:{told},".encode())
            control.recv(65536)

    def heard(self) -> NDArray[np.float64]:
        """What it has heard so far, up to the first re-INVITE, as samples of its codec's rate."""
        tapes = sorted(self._folder.glob("dump-*-dec.wav"))
        sound = tapes[-1].read_bytes()[WAV_HEAD:] if tapes else b""
        return np.frombuffer(sound[: len(sound) & ~1], "<i2").astype(np.float64)

    def said(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """Ends it; a call of its own is hung up."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _write_tone(path: Path, seconds: int, rate: int, channels: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (int(8000 * math.sin(2 * math.pi * TONE_HZ * at / rate)) for at in range(rate))
        second = b"".join(struct.pack("<h", sample) * channels for sample in samples)
        file.writeframes(second * seconds)


def hears_the_tone(end: RtpEnd) -> bool:
    """Whether the last quarter of a second that came is nothing but the tone, as mu-law."""
    samples = [ulaw_to_linear(byte) for byte in heard(end.arrivals)[-13 * FRAME :]]
    return len(samples) == 13 * FRAME and share_of_tone(samples) > 0.9


def share_of_tone(samples: list[int]) -> float:
    """How much of the power of 8 kHz samples is the tone's (Goertzel)."""
    turn = 2 * math.pi * TONE_HZ / 8000
    real = sum(sample * math.cos(turn * at) for at, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(turn * at) for at, sample in enumerate(samples))
    power = sum(sample * sample for sample in samples) or 1
    return 2 * (real * real + imaginary * imaginary) / len(samples) / power

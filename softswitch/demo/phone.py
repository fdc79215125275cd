"""A small SIP phone with ears, made of the switch's own stack: the demo's caller and agent.

It sends a steady tone as its voice and measures what it hears. RFC 3261 (through
`softswitch.sip`), RFC 3550 and 4733 (through `rtp.stream`).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from dataclasses import dataclass

import numpy as np

from media import g711
from rtp.stream import RtpReceiver, RtpSender
from softswitch import sdp
from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.stack import Stack
from softswitch.transport import Endpoint, Transport

__all__ = ["Heard", "Phone"]

SAMPLE_RATE = 8000
WINDOW_SAMPLES = SAMPLE_RATE // 2
"""Length of a measurement: half a second of what was heard last."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A measurement: level of one frequency in dBFS, its share of all energy, packets and
    losses."""

    level_dbfs: float
    share: float
    packets: int
    lost: int


class Phone:
    """One phone: one call at a time, G.711 mu-law, a tone for a voice."""

    def __init__(self, name: str, tone_hz: int, host: str = "127.0.0.1") -> None:
        self.name = name
        self.tone_hz = tone_hz
        self.host = host
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.refused: int | None = None
        self.auto_answer_seconds: float | None = None
        self._transport = Transport([Endpoint("udp", host, 0)])
        self.port = self._transport.endpoints[0].port
        self._stack = Stack(
            listeners=[Listener("udp", host, self.port)],
            server=f"demo-{name}",
            identify=lambda request, flow: True,
        )
        self._socket = _media_socket(host)
        self._local = sdp.LocalMedia(host, self._socket.getsockname()[1], secrets.randbits(31))
        self._sender = RtpSender(ssrc=secrets.randbits(32))
        self.receiver = RtpReceiver()
        self._dialog: Dialog | None = None
        self._offer = b""
        self._remote: tuple[str, int] | None = None
        self._pacer: asyncio.Task[None] | None = None
        self._voice = g711.encode(_tone(tone_hz))
        self._answerer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Begin to listen."""
        await self._transport.start(self._stack, self._on_event)
        asyncio.get_running_loop().add_reader(self._socket, self._on_readable)

    async def close(self) -> None:
        """Stop sending and close the sockets."""
        asyncio.get_running_loop().remove_reader(self._socket)
        if self._answerer is not None:
            self._answerer.cancel()
        if self._pacer is not None:
            self._pacer.cancel()
            await asyncio.gather(self._pacer, return_exceptions=True)
        self._socket.close()
        await self._transport.close()

    # What a person does with it.

    def call(self, number: str, host: str, port: int, *, caller: str) -> OutgoingInvite:
        """Dial a number."""
        self._offer = sdp.offer(self._local, [sdp.PCMU])
        invite = self._stack.invite(
            uri=f"sip:{number}@{host}:{port}",
            to_flow=Flow("udp", host, port),
            from_=f'"{self.name}" <sip:{caller}@{self.host}:{self.port}>',
            to=f"<sip:{number}@{host}:{port}>",
            contact_user=self.name,
            body=self._offer,
            owner=self,
            now=self._now(),
        )
        self._transport.flush_soon()
        return invite

    def press(self, digits: str) -> None:
        """Press keys (RFC 4733)."""
        self._sender.send_digits(digits)

    def say(self, audio: bytes) -> None:
        """Break the tone off, and send this speech (mu-law) once."""
        self._voice = audio
        if self._pacer is not None:
            self._pacer.cancel()
            self._pacer = asyncio.create_task(self._pace())

    def hang_up(self) -> None:
        """Send BYE."""
        if self._dialog is not None:
            self._dialog.bye(now=self._now())
            self._transport.flush_soon()
            self.ended.set()

    def hears(self, frequency: int) -> Heard:
        """Measure a frequency in what was heard last."""
        samples = g711.decode(self.receiver.audio()[-WINDOW_SAMPLES:]) / 32768.0
        statistics = self.receiver.statistics
        if samples.size < WINDOW_SAMPLES or statistics is None:
            return Heard(-100.0, 0.0, 0, 0)
        turns = np.exp(-2j * np.pi * frequency * np.arange(samples.size) / SAMPLE_RATE)
        amplitude = 2.0 * abs(np.mean(samples * turns))
        energy = float(np.mean(samples**2)) or 1e-12
        return Heard(
            level_dbfs=20.0 * float(np.log10(max(amplitude, 1e-5))),
            share=float(amplitude**2 / 2.0 / energy),
            packets=statistics.received,
            lost=statistics.lost,
        )

    # What comes in.

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _on_event(self, event: object) -> None:
        if isinstance(event, events.InviteReceived):
            self._on_invite(event.invite)
        elif isinstance(event, events.InviteAnswered):
            self._dialog = event.dialog
            answer = sdp.SessionDescription.parse(event.response.body)
            self._start_media(sdp.accept_answer(self._offer, answer))
        elif isinstance(event, events.InviteRejected):
            self.refused = event.status
            self.ended.set()
        elif isinstance(event, events.ByeReceived | events.InviteCancelled):
            self.ended.set()

    def _on_invite(self, invite: IncomingInvite) -> None:
        if self.auto_answer_seconds is None:
            invite.reject(486, now=self._now())
            return
        invite.provisional(180, now=self._now())
        loop = asyncio.get_running_loop()
        self._answerer = loop.call_later(self.auto_answer_seconds, self._answer, invite)

    def _answer(self, invite: IncomingInvite) -> None:
        offer = sdp.SessionDescription.parse(invite.request.body)
        body, agreement = sdp.answer(offer, self._local, [sdp.PCMU])
        self._dialog = invite.accept(body=body, now=self._now())
        self._transport.flush_soon()
        self._start_media(agreement)

    # Media.

    def _start_media(self, agreement: sdp.AudioAgreement) -> None:
        self._remote = (agreement.remote_host, agreement.remote_port)
        if agreement.digit_payload_type is not None:
            self._sender.digit_payload_type = agreement.digit_payload_type
        self.answered.set()
        self._pacer = asyncio.create_task(self._pace())

    async def _pace(self) -> None:
        self._sender.forget_audio()
        self._sender.play(self._voice)
        if self._sender.next_timeout() is None:
            self._sender.start(now=self._now())
        while (due := self._sender.next_timeout()) is not None:
            await asyncio.sleep(max(0.0, due - self._now()))
            for packet in self._sender.packets_to_send(now=self._now()):
                self._socket.sendto(bytes(packet), self._remote or ("", 0))

    def _on_readable(self) -> None:
        while True:
            try:
                data = self._socket.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self.receiver.receive_datagram(data, now=self._now())


def _tone(frequency: int) -> g711.Samples:
    """A minute of a steady tone."""
    seconds = np.arange(SAMPLE_RATE * 60) / SAMPLE_RATE
    return np.asarray(np.rint(8000 * np.sin(2 * np.pi * frequency * seconds)), np.int16)


def _media_socket(host: str) -> socket.socket:
    """A bound socket with an even port, as RTP wants it (RFC 3550 section 11)."""
    while True:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.bind((host, 0))
        if opened.getsockname()[1] % 2 == 0:
            return opened
        opened.close()

"""What connections bring: messages are cut out of each, and none is waited for without end.

A stranger that begins a message has a while to finish it, so that half messages cannot fill the
tables; trunks are waited for. Knows neither sockets nor who is a stranger.
"""

from __future__ import annotations

from softswitch.sip.context import Context, Trace
from softswitch.sip.errors import StreamError
from softswitch.sip.flow import WEBSOCKET_TRANSPORTS, Flow
from softswitch.sip.receive import receive_message, refuse_unreadable
from softswitch.sip.stream import Ping, StreamDecoder, WholeMessages

__all__ = ["MESSAGE_SECONDS", "forget_stream", "receive_bytes"]

# From its first byte a message of the largest size takes less over the slowest line that carries
# a call; a lost packet is sent again several times within it.
MESSAGE_SECONDS = 10.0


def receive_bytes(context: Context, data: bytes, flow: Flow) -> None:
    """Take what a connection brought."""
    decoder = context.streams.get(flow) or _open(context, flow)
    if decoder is None:
        context.drop("too-many-streams", data, flow)
        context.flows_to_close.append(flow)
        return
    decoder.receive_data(data)
    try:
        taken = _take_messages(context, decoder, flow)
    except StreamError as error:
        refuse_unreadable(context, error, data, flow)
        _break(context, "stream-broken", data, flow)
        return
    if flow in context.streams:
        _watch(context, decoder, flow, progress=taken > 0)


def forget_stream(context: Context, flow: Flow) -> None:
    """Let go of a connection that is gone."""
    context.streams.pop(flow, None)
    timer = context.unfinished.pop(flow, None)
    if timer is not None:
        context.timers.cancel(timer)


def _open(context: Context, flow: Flow) -> StreamDecoder | WholeMessages | None:
    if len(context.streams) >= context.limits.streams:
        return None
    whole = flow.transport in WEBSOCKET_TRANSPORTS
    decoder = context.streams[flow] = WholeMessages() if whole else StreamDecoder()
    return decoder


def _take_messages(context: Context, decoder: StreamDecoder | WholeMessages, flow: Flow) -> int:
    """Work on all that is whole, until there are too many keep-alives; gives how many that were."""
    taken = 0
    while True:
        message = decoder.next_message()
        if message is None:
            return taken
        taken += 1
        if isinstance(message, Ping):
            if not decoder.keep_alives.takes(context.now):
                _break(context, "keep-alive-flood", b"", flow)
                return taken
            # RFC 5626 section 3.5.1: the answer to a double CRLF is a single one.
            context.send(b"\r\n", flow)
            continue
        if taken > 1 and not context.is_admitted(message, flow):
            # The first one was asked for with the bytes that were read.
            forget_stream(context, flow)
            context.flows_to_close.append(flow)
            return taken
        if context.trace is not None:
            context.trace(Trace("in", message, flow, "", context.now))
        receive_message(context, message, flow)


def _watch(
    context: Context, decoder: StreamDecoder | WholeMessages, flow: Flow, *, progress: bool
) -> None:
    """Give a stranger's half message its time; each message has its own."""
    timer = context.unfinished.get(flow)
    if timer is not None and progress:
        context.timers.cancel(timer)
        del context.unfinished[flow]
        timer = None
    if timer is None and decoder.begun and context.is_strange(flow.host):
        context.unfinished[flow] = context.timers.start(
            context.now + MESSAGE_SECONDS, lambda: _give_up(context, flow)
        )


def _give_up(context: Context, flow: Flow) -> None:
    context.unfinished.pop(flow, None)
    # Somebody there may have shown a trunk's credentials meanwhile.
    if context.is_strange(flow.host):
        _break(context, "half-message", b"", flow)


def _break(context: Context, reason: str, data: bytes, flow: Flow) -> None:
    context.drop(reason, data, flow)
    forget_stream(context, flow)
    context.flows_to_close.append(flow)

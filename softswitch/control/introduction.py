"""The pages of docs/control.md that are written by hand."""

from softswitch.control.history import MAX_EVENTS
from softswitch.control.http_app import MAX_BODY
from softswitch.control.http_protocol import REQUEST_SECONDS
from softswitch.control.idempotency import KEEP_SECONDS
from softswitch.control.methods.events import MAX_SUBSCRIPTIONS
from softswitch.control.places import MAX_OF_ADDRESS, MAX_STRANGERS
from softswitch.control.rpc import MAX_BATCH, MAX_LINE
from softswitch.control.server import (
    AUTH_SECONDS,
    MAX_CONNECTIONS,
    MAX_UNIX_CONNECTIONS,
    SLOW_SECONDS,
)
from softswitch.control.session import MAX_RUNNING
from softswitch.control.wrong_tokens import MAX_WRONG, WINDOW_SECONDS

__all__ = ["EVENTS", "INTRODUCTION", "METHODS"]

KEEP_HOURS = KEEP_SECONDS / 3600

INTRODUCTION = f"""\
# The control socket

Programs look at calls, steer them and hear of what happens over one socket. It speaks
[JSON-RPC 2.0](https://www.jsonrpc.org/specification), one message a line, in UTF-8. This page is
printed by `python -m softswitch.control.schema` from the code that answers; the same as an
[OpenRPC](https://spec.open-rpc.org) document is `openrpc.json`, and what `rpc.discover` answers.
[Examples](control-guide.md) are on a page of their own.

## Where

- **TCP**, at `control` of the section `switch`: 127.0.0.1:8021 unless the file says otherwise.
- **Unix socket** `control.sock` in the data folder. Only the user that the switch runs as can open
  it, and may do everything.
- **WebSocket** at `/control` on the TCP port (and on the Unix socket): the same messages, a frame
  in place of a line.
- **HTTP** on the same port: `/healthz` (200 while the switch answers), `/readyz` (503 while it
  drains), `/metrics` for Prometheus.

With `tls` in the section `control` the TCP port speaks TLS only.

## Who

While the section `control` has no tokens, TCP is on loopback only, and whoever connects may do
everything; web pages, which come with an `Origin`, may do nothing. With tokens every peer on TCP
shows one: by the method `auth`, or on WebSocket and HTTP as `Authorization: Bearer TOKEN`. Who does
not within {AUTH_SECONDS:.0f} s is disconnected; an address that has shown {MAX_WRONG} wrong tokens
within {WINDOW_SECONDS:.0f} s is not listened to for the rest of that time, whatever it shows. Who
has lost its token by a reload is disconnected.

| role | may |
| --- | --- |
| read | look at calls, have events sent |
| allocate | take numbers of pools |
| results | post results of calls |
| control | steer calls, post results, and read |
| admin | everything |

A token with `campaigns` sees and steers the calls of these campaigns only; others are not there.
What is counted for the switch as a whole is not divided: `status` and `/metrics` tell such a token
of all calls. An administrator is one of the whole switch: `admin` together with `campaigns` is a
mistake in the configuration.

## An example

```
$ nc 127.0.0.1 8021
{{"jsonrpc": "2.0", "id": 1, "method": "auth", "params": {{"token": "..."}}}}
{{"jsonrpc":"2.0","id":1,"result":{{"name":"crm","roles":["control","read"],"campaigns":[]}}}}
{{"jsonrpc": "2.0", "id": 2, "method": "events.subscribe", "params": {{"kinds": ["call.*"]}}}}
{{"jsonrpc":"2.0","id":2,"result":{{"subscription":1,"epoch":"9f31c2d4","first":1,"last":0,"after":0}}}}
{{"jsonrpc":"2.0","method":"event","params":{{"subscription":1,"sequence":1,"kind":"call.presented",...
```

In Python, hanging up on a caller who says a word:

```python
import json, socket

peer = socket.create_connection(("127.0.0.1", 8021))
lines = peer.makefile("rw", encoding="utf-8")


def say(method, **params):
    request = {{"jsonrpc": "2.0", "id": method, "method": method, "params": params}}
    lines.write(json.dumps(request) + "\\n")
    lines.flush()


say("events.subscribe", kinds=["call.keyword"])
for line in lines:
    message = json.loads(line)
    if message.get("method") == "event" and message["params"]["facts"]["rule"] == "wrong number":
        say("call.hangup", call=message["params"]["call"], cause="wrong_number")
```

## Limits

A message has at most {MAX_LINE} bytes, a batch {MAX_BATCH} requests. {MAX_RUNNING} requests of one
connection run at the same time, and are answered as they come about; further ones wait, and are
not read meanwhile. A peer that takes none of its answers for {SLOW_SECONDS:.0f} s is disconnected.

There are {MAX_CONNECTIONS} connections over TCP at most, and {MAX_UNIX_CONNECTIONS} on the Unix
socket. Where tokens are asked for, {MAX_STRANGERS} of them may have shown none yet,
{MAX_OF_ADDRESS} of one address: one more takes the place of the oldest of these.

A request over HTTP has a body of {MAX_BODY} bytes at most (`413`), which comes as it is, without
`Content-Encoding` (`415`), and takes {REQUEST_SECONDS:.0f} s at most (`408`, or `503` where the
switch is late). What is refused so is answered with `{{"error": ...}}`, and the connection closes.

## Saying it again

A method with an `idempotency_key` does nothing twice: said again with the same key and parameters
it gives the first answer, for {KEEP_HOURS:.0f} hours within one life of the switch; while the first
is under way it waits for its answer, also when the connection of the first is gone. With other
parameters it is `key_reused`. After a failure the key is free. Keys belong to the token, and to the
method.
"""

METHODS = """\
## Methods

Parameters are given by name, or in the order below. A name that is not known is an error.
"""

EVENTS = f"""\
## Events

`events.subscribe` has them sent, each as a notification:

```
{{"jsonrpc": "2.0", "method": "event", "params": {{"subscription": 1, "sequence": 4711,
 "kind": "call.dtmf", "call": "66d5bd9f0508b4199e18e1b1", "campaign": "sale",
 "at": "2026-01-05T17:00:01.250Z", "number": 12,
 "facts": {{"leg": "a", "digit": "2", "source": "rfc4733"}}}}}}
```

| field | meaning |
| --- | --- |
| `subscription` | which one of this connection |
| `sequence` | number among all events of this life of the switch, which `epoch` names |
| `kind` | what has happened, as below |
| `call` | whose it is; null: it belongs to no call |
| `campaign` | the campaign the call counts for at that moment |
| `at` | when, UTC |
| `number` | place in the call, from 1, without gaps |
| `facts` | what more there is to say, as below |

Events of one call come in order. The last {MAX_EVENTS} are kept: a program that was away goes on by
`after` (the last `sequence` it has) and `epoch`, and misses none. When the switch was started anew
meanwhile, that is refused with `events_gone`, which says the present epoch: begin with `after: 0`.
Who falls behind further than events are kept gets

```
{{"jsonrpc": "2.0", "method": "events.missed",
 "params": {{"subscription": 1, "first": 90, "last": 99}}}}
```

and then what there still is. A slow reader never holds up a call. A connection may have
{MAX_SUBSCRIPTIONS} subscriptions. Who cannot be told asks: `events.poll`.
"""

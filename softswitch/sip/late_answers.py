"""2xx that come after a refusal of the same INVITE (RFC 3261 sections 13.2.2.4 and 16.7).

A forking proxy passes on any 2xx, even one that comes when a refusal of another fork is through
already. Nobody waits for that call any more: the 2xx is acknowledged and its dialog ended. All that
is left of the INVITE by then is its transaction, which knows no credentials: a challenge is not
answered. It does not know whose INVITE it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.sip.dialog import Dialog
from softswitch.sip.inspect import contact_uri, route_values, to_tag_of

if TYPE_CHECKING:
    from softswitch.sip.compose import RequestHead
    from softswitch.sip.message import Response
    from softswitch.sip.transaction.client_invite import ClientInviteTransaction

__all__ = ["MAX_LATE_ANSWERS", "end_late_answer"]

# As many as forks are ended that answer when another one has; further ones are counted only.
MAX_LATE_ANSWERS = 64


def end_late_answer(transaction: ClientInviteTransaction, response: Response) -> None:
    """Acknowledge a 2xx that comes too late, each time that it comes, and end its dialog."""
    context, head = transaction.context, transaction.head
    acks = transaction.late_acks
    tag = to_tag_of(response)
    if tag in acks:
        context.send(*acks[tag])
        return
    key = (head.call_id, _local_tag(head), tag)
    is_re_invite = ";tag=" in head.to
    if is_re_invite or key in context.dialogs or len(acks) >= MAX_LATE_ANSWERS:
        context.drops["late-answer"] += 1
        return
    dialog = _dialog_of(transaction, response)
    ack, flow = dialog.next_request("ACK", number=head.number)
    acks[tag] = ack.to_bytes(context.user_agent_line), flow
    context.send(*acks[tag])
    dialog.send_bye("", "bye-sent")


def _dialog_of(transaction: ClientInviteTransaction, response: Response) -> Dialog:
    """Make the dialog of a 2xx (12.1.2), which nobody hears of."""
    context, head, asked = transaction.context, transaction.head, transaction.flow
    flow = context.source if context.source.transport == asked.transport else asked
    dialog = Dialog(
        context,
        call_id=head.call_id,
        local_tag=_local_tag(head),
        remote_tag=to_tag_of(response),
        local=head.from_,
        remote=response.headers.fields["To"][0],
        remote_target=contact_uri(response) or head.uri,
        route_set=route_values(response)[::-1],
        local_cseq=head.number,
        remote_cseq=None,
        flow=flow,
        contact_user="",
        is_caller=True,
        owner=None,
        peer=transaction.peer._replace(homes=(asked.host, flow.host)),
    )
    dialog.called = asked
    dialog.is_silent = True
    dialog.confirm(None)
    return dialog


def _local_tag(head: RequestHead) -> str:
    """The tag of our From, which is written behind everything else."""
    return head.from_.rpartition(";tag=")[2]

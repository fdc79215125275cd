"""Requests of ours that are sent again with credentials when the peer challenges them.

RFC 3261 section 22.2: "When a UAC resubmits a request with its credentials after receiving a 401
(Unauthorized) or 407 (Proxy Authentication Required) response, it MUST increment the CSeq header
field value". The one who sent the request hears nothing of the challenge but the new head, which
its CANCEL and its ACK must repeat. It does not know which request it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from softswitch.sip.digest import parse_challenges
from softswitch.sip.peer import NOBODY, Peer
from softswitch.sip.transaction.base import ClientTransaction, ClientUser

if TYPE_CHECKING:
    from softswitch.sip.compose import RequestHead
    from softswitch.sip.context import Context
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.digest import Credentials
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Response

__all__ = ["AuthorizedUser", "make_transaction"]

MAX_TRIES = 3
"""How often one request is sent: a proxy and the server behind it may challenge it each, or the
nonce was too old. Who challenges once more does not like our password."""

_FIELDS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
"""By the status of a challenge: where it stands, and where its answer does."""


T = TypeVar("T", bound=ClientTransaction)


class AuthorizedUser(ClientUser, Protocol):
    """Who sends requests that may be challenged."""

    @property
    def wants_to_go_on(self) -> bool:
        """Whether the request is still wanted."""

    def on_sent_again(self, transaction: ClientTransaction, lines: str) -> None:
        """The request goes on as this transaction; `lines` are its credentials.

        22.1: an ACK for its 2xx "MUST" have them too.
        """


class Authorizing:
    """Stands between the transactions of one request and its user."""

    __slots__ = (
        "_body",
        "_content_type",
        "_credentials",
        "_dialog",
        "_extra",
        "_head",
        "_lines",
        "_peer",
        "_transaction",
        "_tries",
        "_user",
    )

    def __init__(
        self,
        user: AuthorizedUser,
        credentials: Credentials,
        dialog: Dialog | None,
        message: tuple[str, bytes, str],
        peer: Peer,
    ) -> None:
        self._peer = peer
        self._user = user
        self._credentials = credentials
        self._dialog = dialog
        """Whose numbers count on with each try."""
        self._extra, self._body, self._content_type = message
        self._transaction: ClientTransaction | None = None
        self._lines: dict[tuple[str, str], str] = {}
        """Credentials by header field and realm: a proxy's and a server's go together."""
        self._tries = 1

    def begin(self, kind: type[T], context: Context, head: RequestHead, flow: Flow) -> T:
        """Make the first transaction, for the user to start."""
        return self._make(kind, context, head, flow)

    def on_response(self, response: Response) -> None:
        """Answer a challenge; give on everything else."""
        if response.status not in _FIELDS or not self._try_again(response):
            self._user.on_response(response)

    def on_failure(self, why: str) -> None:
        """Give it on."""
        self._user.on_failure(why)

    def _try_again(self, response: Response) -> bool:
        old = self._transaction
        assert old is not None
        asks, answers = _FIELDS[response.status]
        challenge = self._credentials.choose(parse_challenges(response.headers.get_all(asks)))
        if challenge is None or self._tries >= MAX_TRIES or not self._user.wants_to_go_on:
            return False
        if (answers, challenge.realm) in self._lines and not challenge.stale:
            return False  # what we have shown is not what it wants
        head = old.head
        value = self._credentials.answer(
            challenge, method=head.method, uri=head.uri, body=self._body
        )
        self._lines[answers, challenge.realm] = f"{answers}: {value}\r\n"
        self._tries += 1
        number = head.number + 1
        if self._dialog is not None:
            self._dialog.local_cseq = number = self._dialog.local_cseq + 1
        again = head.again(old.context.ids.branch(), number)
        new = self._make(type(old), old.context, again, old.flow)
        self._user.on_sent_again(new, "".join(self._lines.values()))
        new.start()
        return True

    def _make(self, kind: type[T], context: Context, head: RequestHead, flow: Flow) -> T:
        extra = "".join(self._lines.values()) + self._extra
        data = head.to_bytes(extra, self._body, self._content_type)
        transaction = kind(context, head, data, flow, self, self._peer)
        self._transaction = transaction
        return transaction


def make_transaction(
    kind: type[T],
    context: Context,
    head: RequestHead,
    message: tuple[str, bytes, str],
    flow: Flow,
    user: AuthorizedUser,
    credentials: Credentials | None,
    dialog: Dialog | None = None,
    peer: Peer = NOBODY,
) -> T:
    """A transaction for a request, `message` being header lines, body and its type; the peer of one
    in a dialog is the dialog's.

    Whoever has no credentials hears of challenges as of any other refusal.
    """
    if dialog is not None:
        peer = dialog.peer
    if credentials is None:
        return kind(context, head, head.to_bytes(*message), flow, user, peer)
    return Authorizing(user, credentials, dialog, message, peer).begin(kind, context, head, flow)

"""SIP (RFC 3261): messages, transactions, dialogs and the stack, without sockets and clocks."""

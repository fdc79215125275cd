"""The four transactions of RFC 3261 section 17, with the Accepted states of RFC 6026.

Each file holds one state machine as a table, (state, input) -> (next state, action), and the object
that walks it. A transaction knows its peer only as a flow and its user only through two methods.
"""

"""The control socket: what campaign systems and operators say to a running switch, and hear."""

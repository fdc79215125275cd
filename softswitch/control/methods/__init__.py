"""The methods of the control socket, a module a subject."""

"""One file a node type: what it does to a call, and the steps it leads to."""

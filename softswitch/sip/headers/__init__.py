"""Header fields: the container of raw lines, and one typed header a file."""

"""What the switch keeps: the data folder's lock, the journal of open calls, the records."""

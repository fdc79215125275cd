"""What the outside world is told of calls over HTTP: webhooks and pixels.

Events and records go into a spool on disk (`feeder`, `spool`); each target reads it from a place of
its own (`cursor`) and posts what it wants (`dispatcher`), in order per call, until it is taken. No
call ever waits for any of this.
"""

"""Text to speech, ahead of time, in a process of its own."""

"""Speech recognition: windows of sound in, words with times out. Knows no legs and no calls."""

"""Tones found in sound, for many legs at once: keys, fax, call progress, beeps.

Arrays of one row a leg in, what was found out. Knows no calls and no clock but the samples.
"""

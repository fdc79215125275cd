"""Who speaks when: voice activity of many legs at once, stretches of speech, noise, who answers.

State stands in arrays of one row a leg (its slot). Time is counted in frames of 20 ms: no clock, no
calls and no packets are known here.
"""

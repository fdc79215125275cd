"""Why a call went where it went and what it earned, recomputed from its record alone.

A record keeps every input of its routing, rating and payout. Here all of it is decided again and
laid beside what the record says; what does not agree is a problem.
"""

from softswitch.explain.explanation import Explanation, explain
from softswitch.explain.words import as_dict, lines

__all__ = ["Explanation", "as_dict", "explain", "lines"]

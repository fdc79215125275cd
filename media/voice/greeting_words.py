"""What the words of a greeting say about who has answered. English; knows no sound and no time.

An announcement speaks of messages, mailboxes and people who are away; a person asks, or greets by
the time of day, which no announcement knows.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

__all__ = ["Said", "said_by"]


class Said(Enum):
    """Who says such words."""

    MACHINE = "machine"
    HUMAN = "human"
    LIKELY_HUMAN = "likely human"
    """Unless something else follows."""
    GREETING = "greeting"
    """Nothing but hello: whoever says it and waits is a person."""
    ANYONE = "anyone"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b")


_MACHINE: Final = _any(
    r"(?:you|you've|you have|have) reached",
    r"leave (?:(?:a|us|me|your|the|my|our|you|him|her) )+(?:\w+ )?(?:message|name|number|voice)\w*",
    r"leave (?:a|us|me|your)",
    r"(?:after|at) the (?:tone|beep|signal)",
    r"(?:not|no one is|nobody is|no one's|isn't|aren't)(?: \w+)? available",
    r"unavailable",
    r"(?:nobody|no one) is",
    r"voice ?mail\w*|mail ?box\w*|voice message\w*|answering (?:machine|service)|automat\w+",
    r"unable to|not able to",
    r"(?:can't|cannot|can not|couldn't) (?:come|take|talk|answer|get|be reached|make)",
    r"press (?:one|two|three|\d|the|star|pound|zero|any)",
    r"(?:call|ring) you (?:right )?back|(?:get|getting) back to you|return your call",
    r"(?:is|are|we're)(?: \w+)? closed|closed (?:today|for|on|at)",
    r"(?:our|office|business|opening) hours|hours are",
    r"missed (?:you|your)",
    r"try (?:again|your call|calling)",
    r"your call (?:has|is|may|will|cannot|can't|can)",
    r"(?:person|party|subscriber|customer|number|mobile) (?:that )?(?:you|you're|you've)"
    r"(?: are| have)?",
    r"(?:not|nobody|no one)(?: \w+)? (?:home|here|in the office)",
    r"we're out|we are out|away from|out of the office|on vacation|on holiday",
    r"(?:has|have) been (?:forwarded|disconnected|changed|transferred)",
    r"(?:our|all|of our) (?:agents|representatives|operators|lines|menu)",
    r"menu|please (?:listen|stay|record|send|try|call|enter|remain)",
    r"for (?:english|spanish|sales|support|service|billing)",
    r"you (?:are|have been|'re) connected|(?:is|been) (?:recorded|monitored)",
)
_HUMAN: Final = _any(
    r"(?:can|may|could) (?:i|we) (?:help|assist|direct|ask|take|get|have)",
    r"how (?:can|may|could|would)|what can (?:i|we)",
    r"what do you|would you like|do you (?:want|have)",
    r"(?:who's|who is|whose) (?:this|it|that|calling|there|speaking)",
    r"(?:can|could|would|will) you (?:please )?(?:hold|wait|hear|speak|call)",
    r"hold please|hold on|are you there|anybody there|anyone there|you there",
    r"\w+ (?:is )?speaking|speaking",
)
_LIKELY_HUMAN: Final = _any(
    r"good (?:morning|afternoon|evening)",
    r"(?:thank you|thanks) for calling .*(?:this is|my name is|my name's|here|it's)",
    r"(?:one|just a) (?:moment|second|minute|sec)",
    r"(?:hello|yes|yeah|hi) (?:hello|yes|yeah)",
)
_GREETING: Final = re.compile(r"(?:hello|hi|hey|hallo|yes|yeah|yep|hullo|ello|here|there|\W)+")


def said_by(text: str) -> Said:
    """Who says this."""
    text = re.sub(r"[^\w']+", " ", text.lower().replace("\u2019", "'")).strip()
    if _MACHINE.search(text):
        return Said.MACHINE
    if _HUMAN.search(text):
        return Said.HUMAN
    if _LIKELY_HUMAN.search(text):
        return Said.LIKELY_HUMAN
    return Said.GREETING if _GREETING.fullmatch(text) else Said.ANYONE

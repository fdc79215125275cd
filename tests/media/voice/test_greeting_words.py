"""What words say about who has answered."""

from __future__ import annotations

import pytest

from media.voice.greeting_words import Said, said_by


@pytest.mark.parametrize(
    "text",
    [
        "hi you've reached john smith",
        "please leave your name and number",
        "the person you are calling is not available",
        "after the beep",
        "your call has been forwarded",
        "for english press one",
        "our office is closed",
        "hi this is robert i can't come to the phone right now",
        "you have reached the office how can we help you",
    ],
)
def test_announcements_are_machines(text: str) -> None:
    assert said_by(text) is Said.MACHINE


@pytest.mark.parametrize(
    "text",
    ["smith and sons how can i help you", "who is this", "can you hold please", "anna speaking"],
)
def test_questions_are_persons(text: str) -> None:
    assert said_by(text) is Said.HUMAN


@pytest.mark.parametrize(
    "text", ["good morning doctor miller's office", "thank you for calling smith this is anna"]
)
def test_greetings_of_the_day_are_likely_persons(text: str) -> None:
    assert said_by(text) is Said.LIKELY_HUMAN


def test_a_name_alone_may_be_anyones() -> None:
    assert said_by("hello this is anna") is Said.ANYONE
    assert said_by("thank you for calling acme plumbing") is Said.ANYONE


@pytest.mark.parametrize("text", ["hello", "Hello?", "yes, hello", "hey"])
def test_nothing_but_hello_is_a_greeting(text: str) -> None:
    assert said_by(text) in {Said.GREETING, Said.LIKELY_HUMAN}

from softswitch.campaign.keywords_heard import MAX_NAMES, KeywordsHeard


def test_keywords_are_counted_by_side_and_name_without_case() -> None:
    heard = KeywordsHeard()
    heard.add("caller", "Mate", ("friends", "friend"), 10)
    heard.add("caller", "mate", ("friend", "friend"), 10)
    heard.add("agent", "mate", ("buddy",), -3)
    assert heard.count("MATE") == 3
    assert (heard.count("mate", "caller"), heard.count("mate", "agent")) == (2, 1)
    assert (heard.count("friend"), heard.count("friends"), heard.count("foe")) == (2, 1, 0)
    assert heard.score == 17


def test_names_are_bounded_and_the_score_is_not() -> None:
    heard = KeywordsHeard()
    for number in range(MAX_NAMES + 100):
        heard.add("caller", "rule", (f"word {number}",), 1)
    assert heard.count(f"word {MAX_NAMES - 1}") == 1
    assert heard.count(f"word {MAX_NAMES}") == 0
    assert heard.score == MAX_NAMES + 100


def test_a_name_that_a_rule_has_means_the_rule_only() -> None:
    heard = KeywordsHeard()
    heard.add("caller", "pals", ("friend",), 0)
    assert heard.count("friend") == 1
    assert heard.count("friend", "caller", rules=("Friend",)) == 0
    heard.add("agent", "friend", ("friend",), 0)
    assert (heard.count("friend"), heard.count("friend", "caller")) == (1, 0)

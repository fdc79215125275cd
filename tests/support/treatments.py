"""Treatments built from the model, for what looks at them without loading a file."""

from __future__ import annotations

from decimal import Decimal

from config.model import (
    Accept,
    Ask,
    Binary,
    Campaign,
    CampaignShare,
    Case,
    Choice,
    Condition,
    Confer,
    Configuration,
    Connect,
    Constant,
    Controller,
    Destination,
    Distribute,
    Expression,
    Fact,
    Goto,
    HangUp,
    Lookup,
    Menu,
    Node,
    Play,
    Prompt,
    PythonStep,
    SendDtmf,
    SetVariables,
    Sms,
    Switch,
    Template,
    Transfer,
    Treatment,
    Wait,
)

__all__ = ["configuration", "deep", "everything", "text", "when", "wide"]


def text(words: str) -> Prompt:
    return Prompt(text=words)


def when(fact: str, value: str) -> Expression:
    term = Binary("=", Fact(fact, "text"), Constant(value, "text"), "boolean")
    return Expression(f'{fact} = "{value}"', term)


def number(value: int) -> Expression:
    return Expression(str(value), Constant(Decimal(value), "number"))


def template(words: str) -> Template:
    return Template(words, (words,))


def to(*numbers: str) -> tuple[Destination, ...]:
    return tuple(Destination("number", one) for one in numbers)


def to_treatment(name: str) -> Goto:
    return Goto(f"to-{name}", name, "treatment")


def configuration(*treatments: Treatment, campaigns: tuple[Campaign, ...] = ()) -> Configuration:
    return Configuration(
        switch=Switch(),
        trunks={},
        numbers=(),
        pools={},
        campaigns={campaign.name: campaign for campaign in campaigns},
        treatments={treatment.name: treatment for treatment in treatments},
    )


def everything() -> Configuration:
    """Every kind of step, with every way out of it, and gotos in and out of branches."""
    agent = Connect(
        "agent",
        to("+16025551234", "+16025555678"),
        prompt=text("Now connecting to an agent, please hold."),
        strategy="simultaneous",
        choice=Choice("nearest", radius_km=50),
        whisper=text("A caller from the web."),
        accept=Accept(text("Press 1.")),
        send_dtmf=template("w42"),
        on_failure=(Play("sorry", text("Nobody is free.")), Goto("again", "which", "node")),
        outside=(Play("far", text("You are too far away.")),),
    )
    sales = (
        Ask(
            "zip", text("Key in your zip."), "zip", 5, 5, remember=True, valid=when("key", "1"),
            on_failure=(Play("no-zip", text("Never mind.")),),
        ),
        Lookup(
            "bid", template("https://bids.example/{caller.number}"), fields={"price": "number"},
            on_failure=(SetVariables("cheap", {"price": number(1)}),),
        ),
        agent,
        Sms("note", template("+16025550100"), template("missed a call")),
    )  # fmt: skip
    main = Treatment(
        "main",
        (
            Play("welcome", text('Thank you for calling <ACME> & Sons "24/7".')),
            Condition(
                "where",
                (
                    Case(when("caller.state", "CA"), (Play("west", text("Hello, California.")),)),
                    Case(
                        when("caller.line_type", "mobile"),
                        (to_treatment("share"),),
                    ),
                ),
            ),
            Menu(
                "which",
                text("For sales press 1, for support press 2."),
                {
                    "1": sales,
                    "2": (
                        SendDtmf("tones", template("12#")),
                        Wait("pause", 5.0),
                        Confer("meeting", "sales"),
                        Controller("steered", "crm"),
                        Transfer("refer", template("+16025559999")),
                        Goto("ask-again", "zip", "node"),
                    ),
                    "#": (HangUp("bye", "caller-left", 486),),
                },
                on_no_input=(Play("silence", text("Good bye.")),),
            ),
            PythonStep("own", "acme.calls", "after_hours"),
        ),
    )
    share = Treatment(
        "share",
        (
            Distribute(
                "market", "weighted",
                (CampaignShare("a", 3), CampaignShare("b", 1, when("caller.state", "NY"))),
                otherwise=(Goto("back", "main", "treatment"),),
            ),
        ),
    )  # fmt: skip
    campaigns = (Campaign("a", "main"), Campaign("b", "share"))
    return configuration(main, share, campaigns=campaigns)


def deep(levels: int) -> Configuration:
    """Menus within menus, each with two choices, the innermost going back to the outermost."""
    inner: tuple[Node, ...] = (Goto("back", "m0", "node"),)
    for level in reversed(range(levels)):
        choices = {"1": inner, "2": (Play(f"p{level}", text(f"level {level}")),)}
        inner = (Menu(f"m{level}", text(f"This is menu {level}."), choices),)
    return configuration(Treatment("deep", inner))


def wide(choices: int, below: int) -> Configuration:
    """A menu of many choices, each a menu of many."""
    outer: dict[str, tuple[Node, ...]] = {}
    for one in range(choices):
        inner: dict[str, tuple[Node, ...]] = {
            str(two): (Connect(f"c{one}-{two}", to(f"+1602555{one}{two}00")),)
            for two in range(below)
        }
        outer[str(one)] = (Menu(f"m{one}", text("Which?"), inner),)
    return configuration(Treatment("wide", (Menu("m", text("Which?"), outer),)))

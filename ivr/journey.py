"""A call on its way through its treatment: what the nodes see of it.

A `Journey` joins the call (its legs), the facts known of it, the campaign it counts for and the
node's services. Nodes ask it to decide, so that every decision is told with what it rested on.
Knows no SIP, no database and no clock; what needs one is a small Protocol in `ivr.services`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from config.model import CallerId, Campaign, Configuration, Expression, Prompt, Template, Value
from ivr.services import Credit, NodeServices
from softswitch.call.events import CampaignChosen, CapReached, DecisionMade
from softswitch.campaign.caps import CapExceeded
from softswitch.campaign.evaluate import SECRET, Facts, evaluate, plain, render
from softswitch.campaign.facts import CallFacts, Public, Shown

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.called_leg import CalledLeg
    from softswitch.call.services import LoadedPrompt

__all__ = ["Computed", "Journey", "give_back", "original_of"]

MIN_SECRET = 3
"""Characters from which on a secret is looked for within other texts; one digit is everywhere."""

MAX_SYNDICATED = 5
"""Campaigns behind campaigns; the loader allows no circle."""


class Computed(NamedTuple):
    """A value that an expression gave."""

    value: Value
    secret: bool
    """Whether it rests on a secret."""
    private: bool
    """Whether it rests on what a private caller does not show."""
    inputs: Mapping[str, Any]


class Journey:
    """One call, seen from its treatment."""

    def __init__(
        self,
        call: Call,
        facts: CallFacts,
        services: NodeServices,
        *,
        publisher: str | None = None,
    ) -> None:
        self.call = call
        self.facts = facts
        self.services = services
        self.publisher = publisher
        self.campaign: Campaign = call.campaign
        """What the call counts for: rating, payout, caps. `call.campaign` serves it: the same, or
        the original of a syndicated one."""
        self.treatment = ""
        """Name of the treatment that is being walked."""
        self.credits: tuple[Credit, ...] = ()
        """Held by the call that talks; settled by whoever pays it."""
        self._reserved: tuple[Credit, ...] = ()
        self.given: list[str] = []
        """Names in the distribution memory that have this call."""
        self.caller_id: CallerId | None = None
        """What further outbound legs show, whatever step and campaign say; None: nothing else."""
        self.unique_caller_id: str | None = None
        """The number that stands for this call, when its next leg shows one."""
        self.first_up: Callable[[CalledLeg], Awaitable[bool]] | None = None
        """Where we call both parties: waits until the first has answered too, when the second
        has; None: it has."""
        self.diverted = False
        """Whether the call was taken out of its treatment for another (a fax)."""
        self.notice: Prompt | None = None
        """Played when the switch answers; None when it was, or there is none."""

    @property
    def configuration(self) -> Configuration:
        """The configuration the call began with."""
        return self.call.configuration

    # Campaigns.

    def serve(self, campaign: Campaign) -> None:
        """Go on for this campaign; a syndicated one is served as its original is."""
        self.campaign = campaign
        self.facts.campaign = campaign
        self.call.counts_for = campaign
        self.call.campaign = self.original(campaign)
        self.notice = campaign.notice or self.call.campaign.notice

    def original(self, campaign: Campaign) -> Campaign:
        """The campaign whose treatment and caller id a campaign's calls get."""
        return original_of(self.configuration, campaign)

    def choose_campaign(self, node: str, campaign: Campaign, policy: str) -> None:
        """Tell that the call goes on for another campaign, and do so."""
        self.call.emit(CampaignChosen, node=node, campaign=campaign.name, policy=policy)
        self.serve(campaign)

    # Decisions.

    def decide(self, about: str, rule: str, expression: Expression) -> Value:
        """Evaluate an expression and tell what it rested on."""
        noting = self.facts.noting()
        value = evaluate(expression, noting)
        hidden = noting.used_secret and not isinstance(value, bool)
        self.note(
            about, rule, expression.text, noting.inputs, SECRET if hidden else plain("", value)
        )
        return value

    def holds(self, about: str, rule: str, expression: Expression | None) -> bool:
        """Whether a condition is true; one that is not there is, and is not told."""
        return expression is None or self.decide(about, rule, expression) is True

    def compute(self, expression: Expression) -> Computed:
        """A value and what it rests on; told by whoever asked."""
        noting = self.facts.noting()
        value = evaluate(expression, noting)
        return Computed(value, noting.used_secret, noting.used_hidden, noting.inputs)

    def is_secret(self, value: Value) -> bool:
        """Whether a value repeats a secret: in it, in other words, or as a number."""
        text = "" if value is None or isinstance(value, bool) else str(value)
        for name in self.facts.secrets:
            secret = str(self.facts.fact(name) or "")
            if secret and (secret == text or (len(secret) >= MIN_SECRET and secret in text)):
                return True
        return False

    def without_secrets(self, text: str) -> str:
        """A text that others will read, each secret in it made unreadable."""
        for name in self.facts.secrets:
            secret = str(self.facts.fact(name) or "")
            if len(secret) >= MIN_SECRET:
                text = text.replace(secret, "*" * len(secret))
        return text

    def note(
        self, about: str, rule: str, expression: str, inputs: Mapping[str, Any], result: Any
    ) -> None:
        """Tell a decision."""
        self.call.emit(
            DecisionMade,
            about=about,
            rule=rule,
            expression=expression,
            inputs=inputs,
            result=dict(result) if isinstance(result, Mapping) else result,
        )

    def text(self, template: Template) -> str:
        """A template's text for a machine that the call is for: secrets stand in it."""
        return render(template, self.facts)

    def told_text(self, template: Template) -> str:
        """A template's text where it will be read by others: secrets are left out."""
        return render(template, Public(self.facts, self.facts.secrets))

    def shown_text(self, template: Template) -> str:
        """A template's text for the called party: a private caller is nobody."""
        return render(template, Shown(self.facts, self.facts.private))

    # Sound.

    def sound(self, prompt: Prompt, *, to_callee: bool = False) -> Prompt | LoadedPrompt:
        """What to play for a prompt: one with values as far as it is ready, others as they are."""
        template = prompt.template
        if template is None:
            return prompt
        facts: Facts = Public(self.facts, self.facts.secrets)
        text = render(template, Shown(facts, self.facts.private) if to_callee else facts)
        shelf = self.call.services.prompts
        ready = shelf.rendered(template, text)
        return shelf.prompt(prompt) if ready is None else ready

    async def answer(self) -> None:
        """Answer the caller if that is due, and play the notice before anything else."""
        await self.call.answer()
        notice, self.notice = self.notice, None
        if notice is not None and not self.call.ended:
            await self.call.play(self.sound(notice))
            self.call.forget_digits()

    async def play(self, prompt: Prompt, *, barge_in: bool = False) -> bool:
        """Play a prompt to the answered caller; False when a key cut it short."""
        return await self.call.play(self.sound(prompt), barge_in=barge_in)

    async def put(self, question: Prompt, *, barge_in: bool) -> None:
        """Play a question; without barge-in only keys pressed after it count."""
        if not barge_in:
            self.call.forget_digits()
        await self.play(question, barge_in=barge_in)
        if not barge_in:
            self.call.forget_digits()

    # Credit.

    def take_credit(
        self, destination: str | None, *, beside: tuple[Credit, ...] = ()
    ) -> tuple[Credit, ...] | CapExceeded:
        """Credit for one outbound leg under all caps, or the cap that is in the way, told.

        `beside` is what the call holds for legs that ring at the same time.
        """
        taken = self._take(self.campaign, destination, beside or self._reserved)
        # What was reserved is shared by the leg's credit from now on, or was not enough.
        self._release_reserved()
        return taken

    def reserve(self, campaign: Campaign) -> bool:
        """Take credit for a campaign that the call may be given to; whether there is any. It is
        held until the first leg takes its own."""
        taken = self._take(campaign, None, ())
        if isinstance(taken, CapExceeded):
            return False
        self._reserved = taken
        return True

    def _release_reserved(self) -> None:
        give_back(self._reserved)
        self._reserved = ()

    def _take(
        self, campaign: Campaign, destination: str | None, beside: tuple[Credit, ...]
    ) -> tuple[Credit, ...] | CapExceeded:
        pauses = self.services.pauses
        if pauses:
            names = (campaign.name, self.original(campaign).name)
            paused = pauses.in_the_way(names, destination)
            if paused is not None:
                self.tell_cap(paused)
                return paused
        desk = self.services.credit
        if desk is None:
            return ()
        taken: list[Credit] = []
        for place, one in enumerate(self._capped(campaign)):
            credit = desk.take(
                one,
                publisher=self.publisher,
                destination=destination,
                call_id=self.call.call_id,
                beside=beside[place] if place < len(beside) else None,
            )
            if isinstance(credit, CapExceeded):
                give_back(taken)
                self.tell_cap(credit)
                return credit
            taken.append(credit)
        return tuple(taken)

    def _capped(self, campaign: Campaign) -> list[Campaign]:
        """Campaigns whose caps a call counts against: its own, and the original's."""
        both = [campaign]
        original = self.original(campaign)
        if original.name != campaign.name:
            both.append(original)
        return [one for one in both if one.caps]

    def hold(self, credits: tuple[Credit, ...]) -> None:
        """The call talks on this credit."""
        self.credits = credits

    def tell_cap(self, exceeded: CapExceeded) -> None:
        """Tell that a cap is reached."""
        self.call.emit(
            CapReached,
            cap=exceeded.cap,
            campaign=exceeded.campaign,
            scope=exceeded.scope,
            limit=exceeded.limit,
            why=exceeded.why,
        )

    # Distribution.

    def give(self, name: str) -> None:
        """A destination or campaign is given this call."""
        self.services.distribution.begin(name)
        self.given.append(name)

    def take_away(self, name: str) -> None:
        """It did not come about there."""
        if name in self.given:
            self.given.remove(name)
            self.services.distribution.end(name, converted=None)

    def close(self, *, converted: bool) -> None:
        """The call has ended: tell the distribution what became of it."""
        self._release_reserved()
        for name in self.given:
            self.services.distribution.end(name, converted=converted)
        self.given = []


def give_back(credits: Iterable[Credit]) -> None:
    """A leg did not come about."""
    for credit in credits:
        credit.give_back()


def original_of(configuration: Configuration, campaign: Campaign) -> Campaign:
    """The campaign whose treatment and caller id a campaign's calls get."""
    for _ in range(MAX_SYNDICATED):
        if campaign.syndicates is None:
            break
        campaign = configuration.campaigns[campaign.syndicates]
    return campaign

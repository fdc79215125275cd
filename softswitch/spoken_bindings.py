"""Prompts with values of bindings, spoken before calls come that hear them.

Part of the composition root: joins the bindings of ring pools (`ringpool.live`) to the prompts
(`ivr.prompts`), which know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable

from config.model import Configuration
from ivr.prompt_texts import templates_of
from ivr.prompts import PromptLibrary
from ringpool.live import LiveBindings
from ringpool.values import Binding

__all__ = ["SpokenBindings"]


class SpokenBindings:
    """Has spoken what calls may hear of the bindings there are, and of those to come."""

    def __init__(
        self,
        prompts: PromptLibrary,
        live: LiveBindings,
        configuration: Callable[[], Configuration],
    ) -> None:
        """`configuration` gives the one in force."""
        self._prompts = prompts
        self._live = live
        self._configuration = configuration

    def start(self) -> None:
        """Begin, where any prompt has values in it."""
        if templates_of(self._configuration()):
            self._live.on_bound = self._prepare
            self._live.tell_bound()

    def use(self, before: Configuration) -> None:
        """Another configuration is in force than `before`."""
        if templates_of(self._configuration()) != templates_of(before):
            self.start()

    def _prepare(self, name: str, number: str, binding: Binding) -> None:
        """Have spoken what calls to a number may hear of its new binding."""
        configuration = self._configuration()
        pool = configuration.pools.get(name)
        if pool is not None and pool.campaign is not None:
            self._prompts.prepare_binding(
                configuration,
                campaign=pool.campaign,
                publisher=binding.publisher or pool.publisher,
                pool=name,
                number=number,
                parameters=dict(zip(pool.parameters, binding.values, strict=False)),
            )

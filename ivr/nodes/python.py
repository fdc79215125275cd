"""Python: run a coroutine of the operator's own.

Whatever it raises is told in one line that names it, and the call goes on with the next step.
"""

from __future__ import annotations

import logging
import sys
import traceback

from config.model import Node, PythonStep, Treatment
from ivr.api import TreatmentCall
from ivr.journey import Journey

logger = logging.getLogger(__name__)


async def run_python(journey: Journey, node: PythonStep) -> tuple[Node, ...] | Treatment:
    """Run the coroutine to its end."""
    module = sys.modules.get(node.module)
    function = getattr(module, node.function, None)
    call_id = journey.call.call_id
    if function is None:
        logger.error("call %s: %s:%s is gone", call_id, node.module, node.function)
        return ()
    call = TreatmentCall(journey, node.name)
    try:
        await function(call)
    # The operator's code may raise anything; the next step is what was written for this case too.
    # What would end the process ends this step alone.
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001
        logger.error(
            "call %s: %s:%s failed in %s: %s: %s",
            call_id, node.module, node.function, _line(error), type(error).__name__, error,
        )  # fmt: skip
    return call.following


def _line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"line {frames[-1].lineno} of {frames[-1].filename}" if frames else "no line"

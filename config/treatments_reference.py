"""Prints the page about treatments: how steps run, every step, the expression language, look-ups.

`python -m config.treatments_reference` writes Markdown to standard output; docs/treatments.md is
its output. Keys, defaults, facts and functions come from the tables the loader reads by, and a test
loads every example on the page.
"""

import sys
from collections.abc import Collection, Iterable
from typing import Any

from config.destinations import DESTINATION
from config.expression.parser import MAX_NESTING as MAX_PARENTHESES
from config.expression.parser import MAX_OPERATORS
from config.expression.tokens import UNITS
from config.expression.types import signature
from config.expression.vocabulary import FACTS, FUNCTIONS
from config.prompts import PROMPT
from config.reading import Key, Section
from config.steps import BUILDERS, MAX_NESTING, MAX_STEPS, STEP_SECTIONS
from config.tables import HOURS, LIST, PLACES, REGION, TABLE

__all__ = ["example_of", "render"]

EXAMPLES = {
    "a case": "- condition:\n    cases:\n      - {example}\n",
    "accept": "- connect:\n    to: +1 602 555 1234\n    {example}\n",
    "a share": "- distribute:\n    campaigns:\n      - {example}\n      - plumbers\n",
}
"""Sections whose example is no step by itself, within one."""

OWN_EXAMPLES = {
    "hang_up": "- condition:\n    cases:\n      - {when: caller.private, do: [hang_up: 486]}\n"
    "      - {when: hour < 8, do: [hang_up: {cause: closed}]}\n- hang_up\n",
    "goto": "- name: question\n  menu:\n    prompt: Press 1 to hear our hours, 2 to leave.\n"
    "    choices:\n      1: [play: Monday to Friday from eight to five.]\n      2: [goto: closed]\n"
    "- goto: question\n",
    "machine": "- connect:\n    to: [+1 602 555 1234, +1 602 555 9999]\n    machine: decline\n"
    "- connect:\n    to: +1 602 555 8888\n    machine: {then: message, within: 3 s, beep: 20 s}\n"
    "    message: Please call us back.\n",
    "a prompt": '- play: "Please hold."\n- play: {wav: prompts/hold.wav}\n- play: {tone: chime}\n',
    "a destination": "- connect:\n    to:\n      - +1 602 555 1234\n"
    "      - {number: +1 602 555 9999, trunk: backup, ring_time: 4 rings}\n"
    '      - number: +1 602 555 8888\n        when: weekday in ["sat", "sun"]\n'
    "      - sip:sales@example.org\n      - called\n",
}
"""Examples that say more on this page than beside the keys."""

ROUTE = ".venv/bin/softswitch route-test config/examples"

INTRODUCTION = f"""\
# Treatments

A treatment says what happens to a call, step by step. It is a list of steps under `treatments:` in
the configuration, and every campaign names one. This page is printed by
`python -m config.treatments_reference` from the tables the loader reads by; every example on it is
loaded by a test. The rest of the file is described in [configuration.md](configuration.md), what
calls earn and how they are reported in [call-tracking.md](call-tracking.md).

```yaml
treatments:
  sales:
    - condition:
        if: not open("office")
        then: [goto: closed]
    - name: which
      menu:
        prompt: "For sales press 1. For support press 2."
        choices:
          1:
            - connect: {{to: +1 602 555 1234, prompt: "Connecting you to sales."}}
          2:
            - connect: +1 602 555 9999
    - play: "Nobody could take your call."
  closed:
    - play: "We are closed. Please call again."
```

Look at a treatment without calling:

```
.venv/bin/softswitch check config/examples/quickstart.yaml
{ROUTE}/quickstart.yaml --from 6025550100 --to 8666831950
{ROUTE}/nodes/condition.yaml --from 6025550100 --to 8666831950 --at 17:30
.venv/bin/softswitch graph config/examples/quickstart.yaml question    # an SVG; -o FILE writes it
```

## How steps run

A **step** is a mapping with one key that says what it does
({", ".join(f"`{word}`" for word in BUILDERS)}), and optionally `name`: letters, digits and
`_ . -`, by which logs, records, `goto` and facts (`answer.NAME`, `lookup.NAME.FIELD`) know it. A
step without one is called after its kind, `menu-1`, `menu-2`. One step may stand where a list of
steps is expected.

- The steps of a list run one after the other.
- Steps nested in a step (a menu's choice, the cases of a condition, `on_failure`) run when it says
  so. When they run out, the step after the one they are nested in is next.
- `goto` forgets what would have followed. A loop of jumps without a step that takes time is a
  mistake, and so is a step that can never be reached.
- When nothing is left the call ends: with BYE if it was answered, else refused with the status of
  the last destination tried (480 if there was none).
- Steps nest {MAX_NESTING} deep; a file has {MAX_STEPS} steps in all.

**Answering.** Steps that the caller hears or that need keys answer the call: `play`, `menu`, `ask`,
`send_dtmf`, `transfer`, and a `connect` with a prompt. `condition`, `set`, `lookup`, `distribute`,
`sms`, `goto` and `hang_up` do not. A plain `connect` before anything was answered is transparent:
the caller hears what the destination's network sends, and is answered when the destination answers.

**Waiting.** Every wait has an end: a key, an answer, a look-up, a ringing destination. A call whose
caller hangs up leaves its treatment at once.

**When the next destination is tried.** By default after every failure that may be different
elsewhere: no answer within `ring_time` and no reply (408), an unreachable host (503), and every
3xx, 4xx and 5xx status but 486 (busy) and 487 (given up). Never after 486, 487 or a 6xx: there
somebody has answered. `fail_over_on` lists the statuses instead, exactly.
"""

EXPRESSIONS = f"""\
## Expressions

One language for conditions, values, amounts, ratings, payouts and caps. Types are checked when the
file is read; a mistake is told with its line and column. Nothing in an expression can run code.

```yaml
- condition:
    if: caller.line_type = "mobile" and not open("office")
    then: [goto: closed]
- condition:
    if: calls_by_caller(30 days) > 0 or caller.state in ["CA", "NV"]
    then: [connect: +1 602 555 1234]
- set:
    tier: "'gold'"
    score: 10 + min(length(answer.zip), 3) * 2
```

| operators, loosest first | meaning |
|---|---|
| `or` | either; the right side is looked at only when it matters |
| `and` | both |
| `not` | the contrary |
| `=` (or `==`) `!=` `<` `<=` `>` `>=` | compare; texts with case |
| `in` `not in` | one value in a list: `caller.state in ["CA", "NV"]` |
| `before` `after` | times of day or dates: `time before "12:00"`, `date after "2026-12-24"` |
| `is known` `is not known` | whether there is a value |
| `+` `-`, then `*` `/`, then a leading `-` | numbers |

- **Text** stands in `"` or `'`; `\\"` is a quote in it. **Numbers** may carry a unit:
  {{units}}. Times become seconds, `15%` is 0.15. **Truth** is `true`, `false`. **Lists** are
  `[a, b]`.
- **A value that is not known** (a caller without a number, a look-up that did not answer) makes
  every comparison false, `!=` and `not in` too, and every calculation unknown. `not` of a
  comparison that is false is true: write `caller.state is known and caller.state != "CA"` where
  unknown callers are not meant.
- A name with other characters stands in quotes behind its dot: `binding."ad group"`.
- In YAML an expression that begins with a quote, or has `: ` or ` #` in it, stands in quotes as a
  whole.
- At most {MAX_OPERATORS} operators and {MAX_PARENTHESES} parentheses within each other.
"""

TEMPLATES = """\
## Templates

Prompts, texts of messages, header fields, click-through URLs and numbers to dial may have
expressions in braces: `You are interested in {keyword}.` A name that is no fact of the language
means the parameter of the binding, `binding.keyword`. A brace itself is written twice, `{{`. What
is not known is left out.

Prompts are synthesised ahead of time for every value that is known (the parameters of numbers, and
of numbers of pools when they are given out). A call never waits for synthesis: where a value is not
ready, the rest of the text is played without it.

```yaml
- play: "Thank you for calling about {keyword}."
- sms: "You called about {keyword} on {date}."
- connect:
    to: +1 602 555 1234
    headers: {X-Keyword: "{keyword}", X-Caller-State: "{caller.state}"}
```
"""

PYTHON_STEP = """\
### Steps of your own

A coroutine of yours gets the call and does what the steps of the YAML do, by the same handlers.
`call.fact(NAME)` is any fact of this page, `call.set(NAME, VALUE)` a variable (`var.NAME`), and
there are `answer`, `play`, `key`, `ask`, `connect`, `send_dtmf`, `transfer`, `sms`, `hang_up` and
`goto`; `ivr/api.py` documents each. Texts it speaks are listed in `PROMPTS`, so that they are
ready. When it returns, the next step of the YAML follows; when the call ends it is cancelled at its
next `await`.

```python
from ivr.api import TreatmentCall

PROMPTS = ["Please enter your zip code.", "A call from Arizona.", "Good bye."]


async def greet(call: TreatmentCall) -> None:
    zip_code = await call.ask("zip", "Please enter your zip code.", kind="zip")
    if zip_code is not None and zip_code.startswith("85"):
        await call.connect("+1 602 555 1234", whisper="A call from Arizona.")
    if not call.ended:
        call.set("tried", value=True)
        await call.play("Good bye.")
```
"""

TABLES = """\
## Hours, regions, lists, tables, places

What conditions look things up in: sections of the file beside `treatments`. Files are CSV with a
line of headings, relative to the configuration's folder; a mistake in one is told with its line.
"""

TABLE_SECTIONS = (
    ("hours", HOURS, '`open("office")` and `holiday("office")`; `hours:` of a campaign.'),
    ("regions", REGION, '`in_region("west")`; `regions:` of a campaign.'),
    ("lists", LIST, '`listed("vip")` asks for the caller; `blocked:` of a campaign.'),
    ("tables", TABLE, "Facts about the caller: `caller.state`, `caller.line_type`..."),
    ("places", PLACES, "The step `nearest`."),
)


def render() -> str:
    """The whole page, in Markdown."""
    return "\n".join(
        [INTRODUCTION, *_steps(), EXPRESSIONS.replace("{units}", _units()), *_vocabulary(),
         TEMPLATES, TABLES, *_tables()]
    )  # fmt: skip


def example_of(section: Section) -> str:
    """An example of a section that can stand on the page: whole steps, or a whole section."""
    if section.name in OWN_EXAMPLES:
        return OWN_EXAMPLES[section.name]
    wrapping = EXAMPLES.get(section.name, "{example}\n")
    return wrapping.replace("{example}", section.example)


# Steps.


def _steps() -> Iterable[str]:
    yield "## The steps\n"
    yield "| step | what it does |\n|---|---|\n" + "".join(
        f"| [`{section.name}`](#{section.name}) | {_cell(_first_sentence(section.about))} |\n"
        for section in STEP_SECTIONS
        if section.name in BUILDERS
    )
    known: dict[str, Key[Any]] = {}
    for section in (*STEP_SECTIONS, PROMPT, DESTINATION):
        yield f"### {section.name}\n\n{_section(section, known)}"
        if section.name == "connect":
            known = section.keys
        if section.name == "nearest":
            known = {}
        if section.name == "python":
            yield PYTHON_STEP


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "."


def _section(section: Section, known: dict[str, Key[Any]]) -> str:
    short = f" May also be written short: {section.short}." if section.short else ""
    if section.name in BUILDERS:
        file = f"config/examples/nodes/{section.name}.yaml"
        short += f" A whole file: [{file}](../{file})."
    text = f"{section.about}{short}\n\n```yaml\n{example_of(section).rstrip()}\n```\n"
    shared = [name for name, key in section.keys.items() if _same(key, known.get(name))]
    rows = "".join(_row(key) for name, key in section.keys.items() if name not in shared)
    if rows:
        text += f"\n| key | value | default | meaning | example |\n|---|---|---|---|---|\n{rows}"
    if shared:
        names = ", ".join(f"`{name}`" for name in shared)
        text += f"\nAnd as for `connect`: {names}.\n"
    return text


def _same(key: Key[Any], other: Key[Any] | None) -> bool:
    return other is not None and (key.about, key.default) == (other.about, other.default)


def _row(key: Key[Any]) -> str:
    if key.required:
        default = "**needed**"
    elif key.default is not None:
        default = f"`{key.default}`"
    else:
        default = key.otherwise or "none"
    return _cells(f"`{key.name}`", key.kind.says, default, key.about, f"`{key.example}`")


def _cells(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# The vocabulary.


def _units() -> str:
    return ", ".join(f"`{unit}`" for unit in UNITS)


def _vocabulary() -> Iterable[str]:
    yield "### Facts\n"
    yield "| fact | type | meaning |\n|---|---|---|\n" + "".join(
        _cells(f"`{name}`", about.type, f"{about.about}{_words(about.words)}")
        for name, about in FACTS.items()
    )
    yield (
        "Beside these: `binding.NAME` (a parameter of the number), `attribute.NAME` (of the "
        "campaign),\n`answer.NAME` (of a step `ask`), `var.NAME` (of `set` or a step of your own), "
        "`lookup.NAME.FIELD`,\n`caller.COLUMN` (a further column of a table) and `result.NAME` "
        '(posted after the call). Facts that\nare marked "at the end" are known to payouts, '
        "conversions, thresholds of fraud and messages after\nthe call.\n"
    )
    yield "### Functions\n"
    yield "| function | gives | meaning |\n|---|---|---|\n" + "".join(
        _cells(f"`{signature(name)}`", about.type, f"{about.about}{_arguments(name)}")
        for name, about in FUNCTIONS.items()
    )


def _words(words: Collection[str]) -> str:
    return f" One of {', '.join(words)}." if words else ""


def _arguments(name: str) -> str:
    parameters = FUNCTIONS[name].parameters
    told = [f" {one.name}: {', '.join(one.words)}." for one in parameters if one.words]
    return "".join(told)


# Look-ups.


def _tables() -> Iterable[str]:
    for name, section, used in TABLE_SECTIONS:
        yield f"### {name}\n\nAsked by: {used}\n\n{_section(section, {})}"


if __name__ == "__main__":
    sys.stdout.write(render())

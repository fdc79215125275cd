"""Prints the reference of the configuration language, from the tables the loader itself reads by.

`python -m config.reference` writes Markdown to standard output; docs/configuration.md is its
output, and a test says when the two differ.
"""

import sys
from typing import Any

from config.admission import ADMISSION
from config.after_call import AFTER_CALL
from config.caller_ids import CALLER_ID_SECTION
from config.campaigns import CAMPAIGN
from config.caps import BLOCKED, CAP, FRAUD
from config.control import CONTROL, CONTROL_TLS, CONTROL_TOKEN
from config.defence import DEFENCE
from config.destinations import DESTINATION
from config.header_names import OWN_HEADERS
from config.hearing import HEARING
from config.keywords import KEYWORD_RULE, KEYWORDS
from config.kinds import MAX_NAME, MAX_VALUE, REFUSALS
from config.listeners import LISTENER
from config.money import PAYOUT, PRICE_RULE, REPEAT
from config.number_files import NUMBER_FILE
from config.numbers import NUMBER
from config.originate import ORIGINATE
from config.pools import POOL, RESERVE
from config.prompts import PROMPT
from config.rating import RATING
from config.reading import Key, Section
from config.recordings import RECORDING
from config.steps import BUILDERS, STEP_SECTIONS
from config.stir import FETCH, SIGN, STIR
from config.stocks import ITEM, STOCK
from config.switch import SWITCH
from config.tables import HOURS, LIST, PLACES, REGION, TABLE
from config.tls import SIP_TLS
from config.tracing import HEP, TRACE
from config.trunk_failover import FAILOVER
from config.trunk_headers import HEADERS
from config.trunk_identity import IDENTITY
from config.trunk_logins import LOGIN, PEER, REGISTER
from config.trunk_numbers import NUMBERS as TRUNK_NUMBERS
from config.trunk_numbers import RECEIVE, RECEIVED, SEND, SENT
from config.trunk_probes import PROBE
from config.trunk_proxies import BEHIND
from config.trunk_vouching import VOUCHING
from config.trunks import TRUNK
from config.web import WEB, WEB_POOL
from config.webhooks import PIXEL, WEBHOOK

GROUPS: tuple[tuple[str, str, tuple[Section, ...]], ...] = (
    ("switch", "One mapping.", (SWITCH, LISTENER, SIP_TLS)),
    ("control", "One mapping.", (CONTROL, CONTROL_TOKEN, CONTROL_TLS)),
    ("defence", "One mapping.", (DEFENCE,)),
    ("admission", "One mapping.", (ADMISSION,)),
    ("stir", "One mapping.", (STIR, SIGN, FETCH)),
    ("hearing", "One mapping.", (HEARING,)),
    ("originate", "One mapping.", (ORIGINATE,)),
    (
        "trunks",
        "A mapping from names to trunks; at least one.",
        (
            *(TRUNK, LOGIN, PEER, REGISTER, BEHIND, PROBE),
            *(TRUNK_NUMBERS, SEND, SENT, RECEIVE, RECEIVED, HEADERS, FAILOVER, IDENTITY),
            VOUCHING,
        ),
    ),
    (
        "campaigns",
        "A mapping from names to campaigns.",
        (
            CAMPAIGN,
            CALLER_ID_SECTION,
            RATING,
            PAYOUT,
            PRICE_RULE,
            REPEAT,
            CAP,
            FRAUD,
            BLOCKED,
            AFTER_CALL,
            RECORDING,
            KEYWORDS,
            KEYWORD_RULE,
        ),
    ),
    ("numbers", "A mapping from numbers to what they stand for.", (NUMBER,)),
    ("number_files", "A list of CSV files of numbers.", (NUMBER_FILE,)),
    ("pools", "A mapping from names to ring pools.", (POOL, RESERVE, ITEM)),
    ("stocks", "A mapping from names to stocks.", (STOCK,)),
    ("hours", "A mapping from names to schedules.", (HOURS,)),
    ("regions", "A mapping from names to regions.", (REGION,)),
    ("lists", "A mapping from names to lists of numbers.", (LIST,)),
    (
        "tables",
        "A mapping from names to tables of what is known of numbers by their beginning, in the "
        "order in which they are asked.",
        (TABLE,),
    ),
    ("places", "A mapping from names to tables of places.", (PLACES,)),
    (
        "prompts",
        "A mapping from names to prompts that controllers may have played (`call.play`), made "
        "ready ahead as all prompts are. What a prompt is stands with the treatments.",
        (),
    ),
    ("webhooks", "A mapping from names to webhooks.", (WEBHOOK,)),
    ("pixels", "A mapping from names to pixels.", (PIXEL,)),
    ("web", "One mapping.", (WEB, WEB_POOL)),
    ("trace", "One mapping.", (TRACE, HEP)),
    (
        "treatments",
        "A mapping from names to lists of steps. A step is a mapping with one of the keys "
        f"{', '.join(f'`{word}`' for word in BUILDERS)}, and optionally `name` (letters, digits, "
        "`_ . -`), by which logs, records and `goto` know it; without one it is called after its "
        "kind: `menu-1`, `menu-2`.",
        (*STEP_SECTIONS, PROMPT, DESTINATION),
    ),
)

INTRODUCTION = f"""\
# Configuration

One YAML file says everything. `softswitch check FILE` finds the mistakes in it, all at once, each
with its line and column, without taking a call; `softswitch run -c FILE` makes the same checks and
refuses to start on any mistake. `softswitch route-test FILE --from N --to N` tells what would
become of a call. Working examples are in `config/examples/`.

This page is printed by `python -m config.reference` from the tables the loader reads by. For
editors there is the same as a JSON Schema, `docs/softswitch.schema.json`: with the YAML language
server, the first line `# yaml-language-server: $schema=PATH/softswitch.schema.json` of a file makes
the editor complete keys, show what they mean, and mark what cannot be.

## Values

- **Text** is taken as it is written. YAML's own guesses are not made: `010` is ten, `no` is a word
  where a word is expected, `+16025551234` needs no quotes. Text with `: ` or ` #` in it, or that
  begins with one of ``{{ [ * & ! | > @ ` % " '``, stands in quotes.
- **true or false** may also be written `yes`/`no` and `on`/`off`.
- **Times** have a unit, `ms`, `s`, `min`, `h`, `days` or `weeks`: `500 ms`, `30 s`, `4 h`,
  `30 days`. A number alone is seconds. How long something may ring is also written in rings of 6 s:
  `4 rings`.
- **Amounts** of money are digits with at most four behind the point, `5.00`, without a currency.
- **Names** have up to {MAX_NAME} printable characters, free text up to {MAX_VALUE}.
- An empty value counts as left out.
- `${{NAME}}` in any text is replaced by the environment variable, `${{NAME:-value}}` by the value
  when the variable is unset or empty; `$$` is a dollar sign. Inside `{{ }}` and `[ ]` such text
  stands in quotes.
- Anchors (`&name`), aliases (`*name`) and merge keys (`<<: *name`) work. Top-level keys that begin
  with `x-` are left to you, to hold anchors.
- Unknown keys, keys that stand twice and steps that are never reached are mistakes.

## Environment

The examples take these variables; nothing but the file decides where they go.

| variable | what | in the examples |
|---|---|---|
| `SOFTSWITCH_SIP` | where SIP listens, UDP and TCP | 127.0.0.1:5060 |
| `SOFTSWITCH_ADVERTISE` | host written into Via, Contact and SDP | the host SIP listens on |
| `SOFTSWITCH_TRUNK` | the carrier, host:port, `;transport=tcp` allowed | 127.0.0.1:5080 |
| `SOFTSWITCH_RTP` | ports for media | 20000-29999 |
| `SOFTSWITCH_CONTROL` | the control socket | 127.0.0.1:8021 |
| `SOFTSWITCH_DATA` | folder of records, journal and cache | ./var |
| `SOFTSWITCH_DATABASE` | PostgreSQL: `embedded`, `off`, or a connection string | embedded |
| `BABY_FANS_HOURS` | opening hours of baby-fans.yaml | Mon-Fri 8:00-17:00 |
| `SPEECH_WORKERS` | processes that recognise speech, of keywords.yaml | 1 |
| `NEWS_HOURS` | opening hours of news-press.yaml | Mon-Fri 8:00-12:00 |
| `NEWS_MIN_SECONDS` | length of a call that news-press.yaml pays for | 120 |
| `POOL_MIN_LIFETIME` | age from which a binding may be replaced | 600 |

IPv6 addresses with a port stand in brackets: `[::1]:5060`.
"""

NUMBERS = """\
### How numbers are written

Before the colon stands one of these:

- **A phone number** in any usual form: `+1 866 683 1950`, `866-683-1950`, `1 (866) 683 1950`,
  `011 44 20 7946 0000`. It is kept in E.164 (`+18666831950`), and what callers dial is brought to
  the same form before it is compared. `switch.country` says how national numbers are read.
- **A SIP URI** without parameters: `sip:sales@example.org`. The user is compared with case, the
  host without; a port only counts when it is written here.
- **A pattern**: `X` (or `x`) is any digit, a last `*` any further digits or none, a last `.` at
  least one more: `+1866683xxxx`, `866 683 xxxx`, `+44*`. Patterns with `*` or `.` begin with `+`,
  unless they are `as_is`. A pattern that begins with `*` stands in quotes.

With `as_is: true` the text is compared with what was dialled, character by character, and not
brought to E.164: for short codes, extensions and load tests (`1xxxxx`).

When several entries fit, the most specific wins: an exact number taken as it is, then one in E.164,
then a SIP URI, then the pattern with the most characters written out; of equals one of fixed length
before one with `*` or `.`, then the one whose written digits stand further left. The same number or
pattern twice is a mistake.
"""

CAMPAIGNS = f"""\
What a campaign does with a call, in this order: it turns away callers of its `blocked` lists and
those a `fraud` rule has caught; it sends calls elsewhere when it is closed (`hours`) or the caller
is in none of its `regions`; then its `treatment` runs. `caps` are asked before a destination is
called. `rating` and `payout` are computed at the end; how, and with which facts, is told in
[call-tracking.md](call-tracking.md), and conditions in [treatments.md](treatments.md#expressions).

A number may be taken in and refused: see `refuse` of a number and `status` of `hang_up`; the
statuses are {", ".join(map(str, REFUSALS))}.
"""

NUMBER_FILES_EXAMPLE = """\
```csv
number,campaign,publisher,pool,website,location,path
+18666831950,spring-sale,p1,,,,
+18001231111,,,ad-placement,one,footer,home
+18001232222,,,ad-placement,,,
```

Files may be separated by commas, semicolons or tabs, and come from a spreadsheet; lines that begin
with `#` do not count. A mistake is told with the line of the file. The same number may stand only
once, in whichever file. `softswitch check` reads 100,000 numbers in a few seconds.
"""

ELSEWHERE = ("treatments", "hours", "regions", "lists", "tables", "places")
"""Groups whose settings stand on the page about treatments."""

NOTES = {
    "numbers": NUMBERS,
    "number_files": NUMBER_FILES_EXAMPLE,
    "trunks": "`pass_headers` cannot name what the switch writes itself on each leg: "
    f"{', '.join(sorted(OWN_HEADERS))}, and compact forms.\n",
    "campaigns": CAMPAIGNS,
    "prompts": """```yaml
prompts:
  welcome: "Thank you for calling."
  hold: {tone: ringback}
```
""",
}


def render() -> str:
    """The whole reference, in Markdown."""
    parts = [INTRODUCTION]
    for name, about, sections in GROUPS:
        parts.append(f"## {name}\n\n{about}\n")
        if name in ELSEWHERE:
            place = "" if name == "treatments" else f"#{name}"
            parts.append(f"Everything about them: [treatments.md](treatments.md{place}).\n")
            continue
        if name in NOTES:
            parts.append(NOTES[name])
        for section in sections:
            heading = "" if len(sections) == 1 else f"### {section.name}\n\n"
            parts.append(f"{heading}{_section(section)}")
    return "\n".join(parts)


def _section(section: Section) -> str:
    short = f" May also be written short: {section.short}." if section.short else ""
    example = f"```yaml\n{section.example}\n```\n"
    text = f"{section.about}{short}\n\n{example}"
    if not section.keys:
        return text
    rows = "".join(_row(key) for key in section.keys.values())
    return f"{text}\n| key | value | default | meaning | example |\n|---|---|---|---|---|\n{rows}"


def _row(key: Key[Any]) -> str:
    if key.required:
        default = "**needed**"
    elif key.default is not None:
        default = f"`{key.default}`"
    else:
        default = key.otherwise or "none"
    cells = (f"`{key.name}`", key.kind.says, default, key.about, f"`{key.example}`")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())

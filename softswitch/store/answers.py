"""Answers that callers gave once: in memory, loaded from PostgreSQL, written behind.

Implements ivr.services.RememberedAnswers. Nodes tell each other of new answers by NOTIFY; what was
missed is loaded when the database comes back. Asking never waits.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from softswitch.store.behind import Behind
from softswitch.store.postgres.errors import DatabaseAway

if TYPE_CHECKING:
    from softswitch.store.postgres.database import Connection, Database

logger = logging.getLogger(__name__)

__all__ = ["AnswerStore"]

MAX_ANSWERS = 500_000
"""Answers held in memory, about 100 MB; those not used for longest are asked again."""
LOAD_SECONDS = 30.0
CHANNEL = "answers"

Row = tuple[str, str, str, datetime]


class AnswerStore:
    """What callers answered before."""

    def __init__(self, database: Database, wall_clock: Callable[[], float]) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._answers: OrderedDict[tuple[str, str], str] = OrderedDict()
        self.behind: Behind[Row] = Behind(database, _insert, "answers")
        database.listen(CHANNEL, self._heard)
        database.on_up(self.load)

    def find(self, caller: str, question: str) -> str | None:
        """What this caller answered to a question before."""
        answer = self._answers.get((caller, question))
        if answer is not None:
            self._answers.move_to_end((caller, question))
        return answer

    def keep(self, caller: str, question: str, answer: str) -> None:
        """Remember an answer."""
        self._hold(caller, question, answer)
        given_at = datetime.fromtimestamp(self._wall_clock(), UTC)
        self.behind.put((caller, question, answer, given_at))

    def _hold(self, caller: str, question: str, answer: str) -> None:
        self._answers[caller, question] = answer
        self._answers.move_to_end((caller, question))
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)

    async def load(self) -> None:
        """Load what is kept, newest last; answers that wait to be written stay as they are."""

        async def work(connection: Connection) -> list[Any]:
            return await connection.fetch(
                "SELECT caller, question, answer FROM answers ORDER BY given_at DESC LIMIT $1",
                MAX_ANSWERS,
            )

        try:
            rows = await self._database.run(work, within=LOAD_SECONDS)
        except DatabaseAway as error:
            logger.warning("answers of earlier calls are not loaded: %s", error)
            return
        for row in rows[::-1]:
            self._hold(row["caller"], row["question"], row["answer"])
        for caller, question, answer, _ in self.behind.rows:
            self._hold(caller, question, answer)

    def _heard(self, payload: str) -> None:
        try:
            caller, question, answer = json.loads(payload)
        except ValueError:
            return  # by somebody else's hand
        self._hold(str(caller), str(question), str(answer))

    async def close(self) -> None:
        """Write what waits."""
        await self.behind.close()


async def _insert(connection: Connection, rows: Sequence[Row]) -> None:
    # One statement must not touch a row twice: the last answer of a batch counts.
    latest = {(caller, question): row for row in rows for caller, question in [row[:2]]}
    await connection.executemany(
        "INSERT INTO answers (caller, question, answer, given_at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (caller, question) DO UPDATE SET answer = excluded.answer, "
        "given_at = excluded.given_at WHERE answers.given_at <= excluded.given_at",
        # In one order on all nodes, so that they do not wait for each other in a circle.
        sorted(latest.values()),
    )
    await connection.executemany(
        "SELECT pg_notify($1, $2)",
        [(CHANNEL, json.dumps(row[:3])) for row in latest.values()],
    )

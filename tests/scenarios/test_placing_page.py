"""Each request of docs/placing-calls.md is answered by a switch that runs the example."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

from tests.support.example_switch import Example, chimed
from tests.support.program import wait_for

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "placing-calls.md"


def requests() -> list[str]:
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.S | re.M)
    return [line for block in blocks for line in block.splitlines()]


def test_every_request_of_the_page_is_answered_with_a_result(tmp_path: Path) -> None:
    text = (ROOT / "config" / "examples" / "click-to-call.yaml").read_text()
    text = text.replace("Mon-Fri 8-17", "Mon-Sun 0-24")
    (tmp_path / "example.yaml").write_text(chimed(text))
    example = Example(tmp_path / "run", tmp_path / "example.yaml")
    failed = True
    try:
        with socket.create_connection(("127.0.0.1", example.switch.control_port), 10) as peer:
            lines = peer.makefile("rwb")
            for request in requests():
                lines.write(request.encode() + b"\n")
                lines.flush()
                answer = json.loads(lines.readline())
                assert answer["id"] == json.loads(request)["id"]
                assert "result" in answer, (request, answer)
        assert len(requests()) == 7
        for _ in range(3):
            example.callee.expect_call(within=10).respond(486)
        wait_for("three records", lambda: len(example.switch.records()) >= 3, within=10)
        failed = False
    finally:
        example.close(failed=failed)

"""Real transcripts of people at work: nobody's agent turned in circles there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SHARED
from tokman import query, rates
from tokman.config import Config
from tokman.ingest import ingest
from tokman.ledger import Ledger
from tokman.recommend import waterfall
from tokman.recommend.scene import set_scene
from tokman.recommend.stop import Stop

FOLDER = SHARED / "claude_code"


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not there")
def test_no_loop_is_claimed_in_real_transcripts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / ".tokman", create=True)
    prices = rates.load()
    ingest([str(FOLDER)], ledger, lambda: prices)
    connection = query.connect(ledger, Config())
    seen = connection.execute(
        "select count(*), count(tool_call_hashes), count(tool_result_hashes) from charges"
    ).fetchone()
    assert seen is not None
    if not seen[1] or not seen[2]:
        pytest.skip("the transcripts' tools are not read")
    scene = set_scene(connection, prices, Config(), None, None)
    found = waterfall.run(scene, [Stop()]).savings
    assert not [one for one in found if "loop" in one.about.rule]

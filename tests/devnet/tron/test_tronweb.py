"""npm's tronweb, unmodified, against the local node: one script, since starting it takes most of the time."""

import json
import subprocess
from pathlib import Path

import pytest

from devnet import node
from devnet.tron.genesis import ARTIFACTS, TOKEN

SCRIPT = Path(__file__).with_name("tronweb.mjs")


@pytest.fixture
def found(tron, anvil_installed):
    """What each step of the script gave."""
    key = tron.new_key(trx=20_000, tokens=1_000_000)
    done = subprocess.run(
        [
            *node.node_command(), str(SCRIPT), str(node.FOLDER), tron.url, tron.control_url,
            key.secret.hex(), tron.token, str(ARTIFACTS / f"{TOKEN}.json"),
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_tronweb_does_all_that_it_does_on_a_real_network(found, tron):
    assert found["trx"]["receipt"] == {"net_fee": 100_000}
    assert found["balance"] == 5_000_000
    assert found["duplicate"]["code"] == "DUP_TRANSACTION_ERROR"
    assert bytes.fromhex(found["duplicate"]["message"]) == b"Dup transaction."
    assert found["tampered"]["code"] == "SIGERROR"
    assert found["hex"]["result"] is True
    assert found["deployed"]["receipt"]["result"] == "SUCCESS"
    assert found["contract"] == "T"
    assert found["transfer"]["receipt"]["result"] == "SUCCESS"
    assert found["transfer"]["receipt"]["energy_usage_total"] == found["estimate"]
    assert int(found["transfer"]["log"][0]["data"], 16) == 1_234
    assert found["outOfEnergy"]["receipt"]["result"] == "OUT_OF_ENERGY"
    assert found["revert"]["receipt"]["result"] == "REVERT"
    assert found["tokens"] == "1234"
    assert "REVERT" in json.dumps(found["constantRevert"])
    assert found["events"] == [["3", "2"], ["1", "1234"]]
    assert found["lendable"]["max_size"] == 1_000_000_000
    assert (found["lent"] > 5_000, found["takenBack"]) == (True, 0)
    assert found["expired"]["code"] == "TRANSACTION_EXPIRATION_ERROR"
    assert found["block"] == tron.height

"""The demo plays its own story and asserts every step, and lets others make things happen."""

import json
import os
import signal
import subprocess

import pytest

from node import BINARY, STOP_SECONDS, until

READY_SECONDS = 30
# Two probes, each with its time limit, and a busy machine.
SEEN_SECONDS = 15


def test_demo_tells_its_story_unattended(tmp_path):
    command = [BINARY, "demo", "--selftest"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"


@pytest.fixture
def demo(tmp_path):
    """Runs a verb of the command line against a demo of its own: exit code, output, errors."""
    environment = dict(os.environ, XDG_RUNTIME_DIR=str(tmp_path))
    running = subprocess.Popen([BINARY, "demo"], env=environment, stdout=subprocess.DEVNULL)
    state = tmp_path / "trimtab-demo.json"
    assert until(state.exists, READY_SECONDS)
    at = json.loads(state.read_text())
    environment |= {"TRIMTAB_SERVER": f"http://{at['api']}/client/v4", "TRIMTAB_TOKEN": at["token"]}

    def verb(*words):
        done = subprocess.run([BINARY, *words], env=environment, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    yield verb
    running.send_signal(signal.SIGTERM)
    assert running.wait(STOP_SECONDS) == 0


def test_a_running_demo_is_partitioned_flaps_and_is_healed(demo):
    def shown(*words):
        return all(word in demo("health", "fra", "--matrix")[1] for word in words)

    assert demo("demo", "partition", "NRT", "fra") == (0, "partition: fra-1, fra-2\n", "")
    assert until(lambda: shown("DOWN TCP Timeout", "fra-1 from NRT", "fra-2 from NRT", "fra (healthy"), SEEN_SECONDS)
    assert demo("demo", "heal", "fra")[0] == 0
    assert until(lambda: not shown("DOWN"), SEEN_SECONDS)
    assert demo("demo", "flap", "fra-1") == (0, "flap: fra-1\n", "")
    for state in ("down", "up", "down"):
        assert until(lambda: demo_state(demo) == state, SEEN_SECONDS), state  # noqa: B023
    assert demo("demo", "heal", "fra-1")[0] == 0
    assert until(lambda: demo_state(demo) == "up", SEEN_SECONDS)
    assert demo("demo", "partition", "AMS", "fra")[0] == 3
    assert demo("demo", "partition", "NRT", "nobody")[0] == 3


def demo_state(demo):
    [pool] = json.loads(demo("health", "fra", "--json")[1])
    [origin] = [origin for origin in pool["origins"] if origin["name"] == "fra-1"]
    return origin["state"]

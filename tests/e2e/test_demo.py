"""The demo plays its own story and asserts every step."""

import subprocess

from node import BINARY


def test_demo_tells_its_story_unattended(tmp_path):
    command = [BINARY, "demo", "--selftest"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"

"""What the documents show is what works."""

import os
import re
import subprocess
import sys

import pytest

from dig import dig
from node import BINARY, ROOT, until


def blocks(document, language):
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_readme_program_makes_a_name_that_is_answered(node, tmp_path):
    [program] = blocks("README.md", "python")
    program = program.replace("http://127.0.0.1:8353/client/v4", node.base_url)
    environment = dict(os.environ, TRIMTAB_TOKEN=node.token)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    # Its endpoint is a documentation address; the fallback pool answers whatever the health.
    assert until(lambda: dig(node, "www.example.com").addresses == ["192.0.2.10"], 1)


def server_tomls():
    [inline] = re.findall(r"<<'END'\n(.*?)^END", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [inline, *blocks("docs/server-toml.md", "toml")]


@pytest.mark.parametrize("text", server_tomls())
def test_shown_server_toml_is_one(tmp_path, text):
    (tmp_path / "server.toml").write_text(text)
    done = subprocess.run([BINARY, "check", "server.toml"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

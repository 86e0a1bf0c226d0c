"""Fixtures: a node of its own for each file of tests, so that files know nothing of each other."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import peers  # noqa: E402
from node import Node  # noqa: E402
from proxy import Proxy  # noqa: E402


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("node")).start()
    yield node
    node.stop()


@pytest.fixture(scope="module")
def account(node):
    return node.account()


@pytest.fixture(scope="module")
def zone(node, account):
    return node.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A node that proxies, with a zone example.com and a certificate for it."""
    proxy = peers.chosen(Proxy)(tmp_path_factory.mktemp("proxy")).start()
    yield proxy
    proxy.stop()

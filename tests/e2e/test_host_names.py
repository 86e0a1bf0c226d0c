"""Endpoints that are host names, resolved by the system's resolver."""

from dig import dig
from node import until

# One look-up in /etc/hosts, and the write that made the name.
RESOLVED_SECONDS = 5


def test_host_name_is_answered_with_its_addresses_and_one_without_is_passed_over(node, account, zone):
    def pool(name, address):
        origins = [{"name": name, "address": address, "port": 80}]
        return node.create(f"/accounts/{account}/load_balancers/pools", {"name": name, "origins": origins})["id"]

    # RFC 6761 section 6.4: nobody has this name.
    nowhere, here = pool("nowhere", "nowhere.invalid"), pool("here", "localhost")
    body = {"name": "named.example.com", "default_pools": [nowhere, here], "fallback_pool": nowhere}
    node.create(f"/zones/{zone}/load_balancers", body)
    answered = lambda: dig(node, "named.example.com").addresses == ["127.0.0.1"]  # noqa: E731
    assert until(answered, RESOLVED_SECONDS), node.log()
    numbers = lambda: node.request("GET", f"{node.root_url}/metrics").text.splitlines()  # noqa: E731
    counted = {"trimtab_resolve_names{} 2.0", "trimtab_resolve_names_unresolved{} 1.0",
               'trimtab_resolve_total{result="ok"} 1'}
    assert until(lambda: counted <= set(numbers()), RESOLVED_SECONDS), "\n".join(numbers())

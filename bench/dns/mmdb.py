"""Writes a MaxMind DB file (format 2.0): a search tree over address bits, then the records.

Only what the synthetic database of the benchmark needs: IPv4 networks in an IPv6 tree, a handful of
different records, no pointers inside records.
"""

import random
import struct

# Continent, country, latitude, longitude: the places the synthetic database knows.
PLACES = [
    ("NA", "US", 38.0, -97.0),
    ("EU", "DE", 51.0, 9.0),
    ("EU", "FR", 46.0, 2.0),
    ("AS", "JP", 36.0, 138.0),
    ("AS", "SG", 1.0, 103.0),
    ("SA", "BR", -10.0, -55.0),
    ("OC", "AU", -27.0, 133.0),
    ("AF", "ZA", -29.0, 24.0),
]
IPV4_DEPTH = 96  # IPv4 lies under ::/96
RECORD_BITS = 28
METADATA = b"\xab\xcd\xefMaxMind.com"


class Tree:
    """Nodes are pairs; a slot holds None, the index of a node, or ~index of a place."""

    def __init__(self):
        self.nodes = [[None, None]]
        self.ipv4 = self._walk(0, [0] * IPV4_DEPTH)

    def insert(self, network, bits, place):
        """The /bits of a 32-bit number; a longer network overwrites a part of a shorter one."""
        path = [network >> (31 - i) & 1 for i in range(bits)]
        node = self._walk(self.ipv4, path[:-1])
        self.nodes[node][path[-1]] = ~place

    def _walk(self, node, path):
        for bit in path:
            below = self.nodes[node][bit]
            if below is None or below < 0:
                self.nodes.append([below, below])
                below = self.nodes[node][bit] = len(self.nodes) - 1
            node = below
        return node


def sized(kind, size):
    """The control byte(s) of a value; kinds over 7 are written as extended."""
    assert size < 29
    return bytes([kind << 5 | size]) if kind <= 7 else bytes([size, kind - 7])


def encode(value):
    """One value of the data section; int is written as uint32, as every reader here accepts."""
    if isinstance(value, str):
        text = value.encode()
        return sized(2, len(text)) + text
    if isinstance(value, float):
        return sized(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        return sized(6, 4) + struct.pack(">I", value)
    if isinstance(value, list):
        return sized(11, len(value)) + b"".join(map(encode, value))
    return sized(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())


def uint16(value):
    return sized(5, 2) + struct.pack(">H", value)


def city_record(number, continent, country, latitude, longitude):
    return {
        "continent": {"code": continent},
        "country": {"iso_code": country, "geoname_id": number},
        "location": {"latitude": latitude, "longitude": longitude},
    }


def node_bytes(left, right):
    """Two 28-bit records in seven bytes: the middle byte holds the high bits of both."""
    middle = (left >> 24) << 4 | right >> 24
    low = 0xFFFFFF
    return (left & low).to_bytes(3, "big") + bytes([middle]) + (right & low).to_bytes(3, "big")


def metadata(node_count):
    fields = {
        "node_count": encode(node_count),
        "record_size": uint16(RECORD_BITS),
        "ip_version": uint16(6),
        "database_type": encode("GeoLite2-City"),
        "languages": encode(["en"]),
        "binary_format_major_version": uint16(2),
        "binary_format_minor_version": uint16(0),
        "build_epoch": sized(9, 8) + struct.pack(">Q", 1),
        "description": encode({"en": "synthetic, for benchmarks"}),
    }
    body = b"".join(encode(name) + value for name, value in fields.items())
    return METADATA + sized(7, len(fields)) + body


def write_synthetic(path):
    """Every /16 of 1.0.0.0 to 200.255.255.255 somewhere, and 60,000 random /24 somewhere else."""
    dice = random.Random(7)
    tree = Tree()
    for network in range(1 << 8, 201 << 8):
        tree.insert(network << 16, 16, dice.randrange(len(PLACES)))
    for _ in range(60_000):
        network = dice.randrange(1 << 16, 201 << 16)
        tree.insert(network << 8, 24, dice.randrange(len(PLACES)))

    records = [encode(city_record(i, *place)) for i, place in enumerate(PLACES, 1)]
    starts = [sum(map(len, records[:i])) for i in range(len(records))]
    count = len(tree.nodes)

    def slot(value):
        if value is None:
            return count
        return value if value >= 0 else count + 16 + starts[~value]

    with open(path, "wb") as file:
        file.write(b"".join(node_bytes(slot(a), slot(b)) for a, b in tree.nodes))
        file.write(bytes(16) + b"".join(records))
        file.write(metadata(count))

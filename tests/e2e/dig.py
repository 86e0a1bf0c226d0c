"""`dig` as a function: what a resolver would see."""

import subprocess


class Answer:
    """The parts of dig's output that tests compare."""

    def __init__(self, text):
        self.text, self.status, self.scope = text, None, None
        self.sections = {"ANSWER": [], "AUTHORITY": [], "ADDITIONAL": []}
        section = None
        for line in text.splitlines():
            if "->>HEADER<<-" in line:
                self.status = line.split("status: ")[1].split(",")[0]
            elif line.startswith("; CLIENT-SUBNET: "):
                self.scope = int(line.rsplit("/", 1)[1])
            elif line.startswith(";; ") and line.endswith(" SECTION:"):
                section = line.split()[1]
            elif line and not line.startswith(";") and section in self.sections:
                name, ttl, _, kind, data = line.split(None, 4)
                self.sections[section].append((name, int(ttl), kind, data))

    @property
    def addresses(self):
        return sorted(data for _, _, kind, data in self.sections["ANSWER"] if kind in ("A", "AAAA"))

    @property
    def ttls(self):
        return [ttl for _, ttl, _, _ in self.sections["ANSWER"]]

    @property
    def authority(self):
        return [kind for _, _, kind, _ in self.sections["AUTHORITY"]]


def dig(node, name, kind="A", subnet=None, options=()):
    command = ["dig", "@127.0.0.1", "-p", str(node.dns_port), "+tries=1", "+time=3", *options]
    if subnet:
        command.append(f"+subnet={subnet}")
    done = subprocess.run([*command, name, kind], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, f"{done.stdout}\n{node.log()}"
    return Answer(done.stdout)

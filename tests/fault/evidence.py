"""What a play brings home and the judges look at."""
from dataclasses import dataclass, field


@dataclass
class Sent:
    """One message, and where Kafka put it."""
    subject: object  # None: a bad one
    state: str
    partition: int = -1
    offset: int = -1
    value: bytes = b""

    @property
    def place(self):
        return self.partition, self.offset

    @property
    def poison(self):
        return self.subject is None or self.subject.refused


@dataclass
class Evidence:
    schedule: object
    sent: list = field(default_factory=list)
    journal: list = field(default_factory=list)
    outcomes: list = field(default_factory=list)
    dead: list = field(default_factory=list)
    rows: dict = field(default_factory=dict)  # table -> rows
    topics: dict = field(default_factory=dict)  # table -> read-committed records
    stops: list = field(default_factory=list)  # (wall ms, wall ms) of every SIGSTOP
    told: list = field(default_factory=list)  # complaints found while playing
    counts: dict = field(default_factory=dict)

    def count(self, what, n=1):
        if n:
            self.counts[what] = self.counts.get(what, 0) + n

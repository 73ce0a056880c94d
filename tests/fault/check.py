"""What must be true of the evidence. Pure. Everything is judged from the simulator's journal and the topics.

The one relaxation is the documented race: ServiceNow has no conditional update, so a write may rest on what the
record was when the bridge read it. `views` gives what it can have been, and without a person's change, a late
request or a stopped process in between that is exactly one thing."""
import json
import re
from dataclasses import dataclass, field

BRIDGE = "itsm.integration"
OPEN = "123"  # New, In Progress, On Hold
STAMP = re.compile(r"itsm-bridge [0-9a-f]{16} (\d{6,})\.([01])\.[0-9a-z]+ [0-9a-f]{8}\.(\d+)\.(\d+)")
CONTENT = re.compile(r"\[itsm-bridge [0-9a-z]+\.[0-9a-f]{8}\.(\d+)\.(\d+)\]\s*$")
SUBJECT = re.compile(r"fault-\d{4}")
SIGHT_MS = 1000  # a read is good for so long (SIGHT_LIFE)
SLACK_MS = 1500  # answers and requests between two busy programs


@dataclass
class Step:
    """A record after one entry of the journal."""
    seq: int
    wall: float
    bridge: bool
    state: str
    stamp: tuple  # (generation, rank, partition, offset) or None
    content: tuple  # (partition, offset) or None
    wrote: set  # columns that the entry changed

    @property
    def open(self):
        return self.state in OPEN

    @property
    def cleared(self):
        return self.stamp is not None and self.stamp[1] == 1


@dataclass
class Record:
    sys_id: str
    subject: str
    steps: list = field(default_factory=list)

    @property
    def last(self):
        return self.steps[-1]

    @property
    def touched(self):
        """A person changed its state."""
        return any(not s.bridge and "state" in s.wrote for s in self.steps)


def numbers(pattern, text):
    found = pattern.search(text)
    return tuple(int(n) for n in found.groups()) if found else None


def step_of(entry, before):
    new = {name: change["new"] for name, change in entry["changes"].items()}
    if before is None:
        before = Step(0, 0, False, "1", None, None, set())
    return Step(entry["seq"], entry["wall_ms"], entry["user"] == BRIDGE, new.get("state", before.state),
                numbers(STAMP, new["correlation_display"]) if "correlation_display" in new else before.stamp,
                numbers(CONTENT, new["description"]) if "description" in new else before.content, set(new))


def records(journal):
    """sys_id -> incident that the bridge made, with its life."""
    result = {}
    for entry in journal:
        if entry["table"] != "incident":
            continue
        record = result.get(entry["sys_id"])
        if record is None:
            name = SUBJECT.search(entry["changes"].get("description", {}).get("new", ""))
            record = result[entry["sys_id"]] = Record(entry["sys_id"], name.group() if name else "?")
        record.steps.append(step_of(entry, record.last if record.steps else None))
    return result


# ---------------------------------------------------------------- steps of a record


def window(seen, wall):
    """From when on a write that lands at `wall` may have been decided."""
    begin = wall - SIGHT_MS - SLACK_MS - 2000 * seen.schedule.late_s
    for since, until in sorted(seen.stops, reverse=True):
        if until >= begin and since <= wall:
            begin = min(begin, since - SIGHT_MS - SLACK_MS)
    return begin


def views(seen, record, index):
    """What the record can have been when the write of this step was decided."""
    begin = window(seen, record.steps[index].wall)
    first = index - 1
    while first > 0 and record.steps[first].wall >= begin:
        first -= 1
    return record.steps[first:index]


def newer(a, b):
    """Is place a known to be newer than b? Only one partition can tell."""
    return b is None or a[0] != b[0] or a[1] > b[1]


def allowed_clear(view, marked, clear, state_written):
    """A write of the clear's stamp: resolve, stamp alone, or note on a record that is on hold."""
    if view.cleared and marked:
        return False
    if not marked and view.stamp is not None and not newer(clear, view.stamp[2:]):
        return False
    return (view.state in OPEN and view.state != "3") == state_written


def step_complaint(seen, record, index, marked):
    step, before = record.steps[index], record.steps[index - 1]
    seen_as = views(seen, record, index)
    state = "state" in step.wrote
    if state and step.state != "6":
        return f"the bridge moved the state from {before.state} to {step.state}"
    if state and not step.cleared:
        return "the bridge resolved without the stamp of a clear"
    if "correlation_display" in step.wrote:
        if not step.cleared:
            return "the bridge put the stamp of a fire on an existing record"
        if before.stamp is not None and not marked and not newer(step.stamp[2:], before.stamp[2:]):
            return f"an older stamp over a newer one: {before.stamp} -> {step.stamp}"
        # A resolve of what is resolved already changes close fields at most: by the entry alone it may be either.
        resolves = [True] if state or "close_notes" in step.wrote else [False, True] if step.state == "6" else [False]
        if not any(allowed_clear(v, marked, step.stamp[2:], r) for v in seen_as for r in resolves):
            return (f"no clear was due: state {before.state} -> {step.state}, stamp {before.stamp} -> {step.stamp}, "
                    f"seen as {[(v.state, v.stamp) for v in seen_as]}")
    elif state:
        # The same clear once more, by a request that came late or by a second owner.
        if not any(not v.cleared and v.open for v in seen_as):
            return f"resolved again, from {before.state}, with nothing new"
    if "description" in step.wrote:
        if not any(v.open and not (marked and v.cleared) for v in seen_as):
            return "content was written to a record that was not open"
        if (seen.schedule.keyed or not marked) and not newer(step.content, before.content):
            return f"older content over newer: {before.content} -> {step.content}"
    return None


def insert_complaint(record, places):
    first = record.steps[0]
    if not first.bridge:
        return None
    if first.state not in "16" or first.stamp is None or first.content is None:
        return f"made in state {first.state} with stamp {first.stamp}, content {first.content}"
    if (first.state == "6") != first.cleared:
        return f"made in state {first.state}, but its stamp is {first.stamp}"
    return None


def stamp_complaints(record, places):
    """Stamps and content come from messages that were sent about this subject, and say what these said."""
    for step in record.steps:
        if step.stamp is not None:
            sent = places.get(step.stamp[2:])
            if sent is None or sent.subject is None or sent.subject.name != record.subject:
                yield f"its stamp {step.stamp} is of another message"
            elif sent.state != ("clear" if step.cleared else "fire"):
                yield f"its stamp {step.stamp} is of a {sent.state}"


def life(seen, record, marked, places):
    complaint = insert_complaint(record, places)
    if complaint:
        yield complaint
    yield from stamp_complaints(record, places)
    for index in range(1, len(record.steps)):
        if record.steps[index].bridge:
            complaint = step_complaint(seen, record, index, marked)
            if complaint:
                yield f"entry {record.steps[index].seq}: {complaint}"


# ---------------------------------------------------------------- what each subject must have


def says_the_newest(content, fires):
    """A repeat that says what the record says already is not written, so the record may name an earlier one of them."""
    newest = max(fires, key=lambda m: m.place)
    return any(m.place == content and (m is newest or m.value == newest.value) for m in fires)


def marked_complaints(seen, subject, sent, found):
    if len(found) != 1:
        yield f"{len(found)} records, wanted 1"
        return
    record = found[0]
    clears, fires = [m for m in sent if m.state == "clear"], [m for m in sent if m.state == "fire"]
    if bool(clears) != record.last.cleared:
        yield f"{len(clears)} clears were sent, but the stamp is {record.last.stamp}"
    if not clears and not record.touched and record.last.state != "1":
        yield f"no clear was sent, but the state is {record.last.state}"
    if clears and not record.touched and record.last.state != "6":
        yield f"a clear was sent, but the state is {record.last.state}"
    if seen.schedule.keyed and not clears and not record.touched:
        if not says_the_newest(record.last.content, fires):
            yield f"its content is of {record.last.content}, the newest message is {max(m.place for m in fires)}"


def cycles(sent):
    """Fires in a row and the clears behind them: as many records has a series that nobody else touches."""
    result = []
    for m in sorted(sent, key=lambda m: m.offset):
        if m.state == "fire" and (not result or result[-1][-1].state == "clear"):
            result.append([])
        if result:
            result[-1].append(m)
    return result


def person_steps(found):
    return [(before, step) for r in found for before, step in zip(r.steps, r.steps[1:])
            if not step.bridge and "state" in step.wrote]


def series_bounds(sent, found):
    """Least and most records: a person's closing lets the next fire open one more; a record on hold stays open under
    a clear, and one that was reopened is open again: later fires join these."""
    exact, steps = len(cycles(sent)), person_steps(found)
    more = sum(before.open and not step.open for before, step in steps)
    joins = any((not before.open and step.open) or step.state == "3" for before, step in steps)
    return min(exact, 1) if joins else exact, exact + more


def cycle_complaints(sent, found):
    """No cycle is passed over, whatever record it went to. After a person's closing repeats may be late."""
    if any(before.open and not step.open for before, step in person_steps(found)):
        return
    steps = [s for r in found for s in r.steps]
    reached = {s.stamp[3] for s in steps if s.stamp} | {s.content[1] for s in steps if s.content}
    for cycle in cycles(sent):
        if not reached & {m.offset for m in cycle}:
            yield f"the cycle of offsets {cycle[0].offset} to {cycle[-1].offset} left no trace"


def next_generation_complaints(seen, found):
    """Each further record is due only when the one before it was over as its insert was decided."""
    for before, record in zip(found, found[1:]):
        begin = window(seen, record.steps[0].wall)
        steps = [s for s in before.steps if s.seq < record.steps[0].seq]
        recent = [s for s in steps if s.wall >= begin]
        known = recent + steps[len(steps) - len(recent) - 1:len(steps) - len(recent)]
        if not any(not s.open for s in known):
            yield f"record {record.steps[0].stamp[0]} of the series was made while the one before it was open"


def series_complaints(seen, subject, sent, found):
    found = sorted(found, key=lambda r: r.steps[0].stamp[0] if r.steps[0].stamp else 0)
    generations = [r.steps[0].stamp[0] for r in found if r.steps[0].stamp]
    if generations != list(range(1, len(found) + 1)):
        yield f"generations {generations}"
    touched = any(r.touched for r in found)
    least, most = series_bounds(sent, found)
    if not least <= len(found) <= most:
        yield f"{len(found)} records, wanted {least if least == most else f'{least} to {most}'}"
    yield from next_generation_complaints(seen, found)
    yield from cycle_complaints(sent, found)
    if not found:
        return
    last, newest = found[-1].last, max(sent, key=lambda m: m.offset)
    fires = [m.offset for m in sent if m.state == "fire"]
    if newest.state == "clear" and min(fires) < newest.offset:
        if not last.cleared or last.stamp[2:] != newest.place:
            yield f"the newest message is the clear {newest.place}, the stamp is {last.stamp}"
        if not touched and last.state != "6":
            yield f"the newest message is a clear, the state is {last.state}"
    if newest.state == "fire":
        if not touched and last.state != "1":
            yield f"the newest message is a fire, the state is {last.state}"
        if not touched and last.content != newest.place:
            yield f"its content is of {last.content}, the newest message is {newest.place}"
        if not last.open and last.cleared and not (last.content[1] >= newest.offset or last.stamp[3] >= newest.offset):
            yield f"the fire {newest.place} was lost: {last}"


def by_subject(items, key):
    result = {}
    for item in items:
        result.setdefault(key(item), []).append(item)
    return result


def record_complaints(seen):
    made = records(seen.journal)
    places = {m.place: m for m in seen.sent}
    found = by_subject(made.values(), lambda r: r.subject)
    sent = by_subject((m for m in seen.sent if m.subject is not None), lambda m: m.subject.name)
    names = {s.name: s for s in seen.schedule.subjects}
    for name in found.keys() - names.keys():
        yield f"records of nothing that was sent: {[r.sys_id for r in found[name]]}"
    for name, subject in names.items():
        own = found.get(name, [])
        if subject.refused:
            if own:
                yield f"{name}: refused for good, but has a record"
            continue
        judge = marked_complaints if subject.marked else series_complaints
        for text in judge(seen, subject, sent[name], own):
            yield f"{name} ({subject.kind}): {text}"
        for record in own:
            for text in life(seen, record, subject.marked, places):
                yield f"{name} ({subject.kind}) {record.sys_id}: {text}"
    stored = {r["sys_id"] for r in seen.rows["incident"]}
    if stored != set(made):
        yield f"rows and journal differ: {stored ^ set(made)}"


# ---------------------------------------------------------------- ends, offsets


def source(outcome):
    return outcome["source"]["partition"], outcome["source"]["offset"]


def end_complaints(seen):
    """Dead letters are exactly the poison ones; every other message has its outcome, on the right record."""
    poison = {m.place for m in seen.sent if m.poison}
    dead = {d[:2] for d in seen.dead}
    for place in sorted(dead - poison):
        why = next(d[2:] for d in seen.dead if d[:2] == place)
        yield f"{place} is a dead letter: {why}"
    if poison - dead:
        yield f"no dead letter for {sorted(poison - dead)}"
    outcomes = by_subject(seen.outcomes, source)
    made = records(seen.journal)
    for m in seen.sent:
        if m.poison:
            continue
        if m.place not in outcomes:
            yield f"{m.subject.name} {m.place}: no outcome"
        for o in outcomes.get(m.place, []):
            if o["operation"] == "dead-letter":
                yield f"{m.subject.name} {m.place}: its outcome is a dead letter"
            elif "sys_id" in o and (o["sys_id"] not in made or made[o["sys_id"]].subject != m.subject.name):
                yield f"{m.subject.name} {m.place}: its outcome names the record {o['sys_id']} of another"


def effect_complaint(m, outcomes, own):
    """A message that is committed must have had its effect."""
    steps = [s for r in own for s in r.steps]
    if m.subject.marked:
        if not steps:
            return "no record"
        if m.state == "clear" and not any(s.cleared for s in steps):
            return "no record shows the clear"
        return None
    if m.state == "clear" and all(o.get("why") == "no-record" for o in outcomes):
        return None
    if any(o.get("why") == "late" for o in outcomes) and any(r.touched for r in own):
        return None
    reached = [s.stamp[3] for s in steps if s.stamp] + [s.content[1] for s in steps if s.content and m.state == "fire"]
    return None if reached and max(reached) >= m.offset else f"the records of the series only reach {reached[-1:]}"


def early(seen, commits, outcomes, dead):
    """Nothing is committed, by offset or by map, whose end is not there."""
    ends = by_subject(outcomes, source)
    letters = {d[:2] for d in dead}
    made = by_subject(records(seen.journal).values(), lambda r: r.subject)
    complaints = []
    for m in seen.sent:
        offset, finished = commits.get(m.partition, (-1, set()))
        if m.offset < 0 or not (m.offset < offset or m.offset in finished):
            continue
        name = m.subject.name if m.subject else "a bad message"
        if m.poison:
            if m.place not in letters:
                complaints.append(f"{name} {m.place} is committed without its dead letter")
        elif m.place not in ends:
            complaints.append(f"{name} {m.place} is committed without its outcome")
        else:
            text = effect_complaint(m, ends[m.place], made.get(name, []))
            if text:
                complaints.append(f"{name} {m.place} is committed without its effect: {text}")
    return complaints


# ---------------------------------------------------------------- work items


def versions(messages):
    return [(m.key().decode(), int(json.loads(m.value())["sys_mod_count"])) for m in messages if m.value()]


def unpublished(seen):
    result = []
    for table, messages in seen.topics.items():
        have = set(versions(messages))
        result += [f"{table} {r['sys_id']} version {r['sys_mod_count']} is not published" for r in seen.rows[table]
                   if (r["sys_id"], int(r["sys_mod_count"])) not in have]
    return result


def topic_complaints(seen):
    yield from unpublished(seen)
    for table, messages in seen.topics.items():
        newest, rows = {}, {r["sys_id"]: r for r in seen.rows[table]}
        for m in messages:
            if not m.value():
                yield f"{table} {m.key().decode()}: a delete was published"
                continue
            item = json.loads(m.value())
            key, version = m.key().decode(), int(item["sys_mod_count"])
            if version <= newest.get(key, -1):
                yield f"{table} {key}: version {version} after {newest[key]}"
            newest[key] = version
            row = rows.get(key)
            if row is not None and int(row["sys_mod_count"]) == version:
                wrong = [c for c in ("state", "short_description", "correlation_display")
                         if item["record"].get(c, "") != row.get(c, "")]
                if wrong:
                    yield f"{table} {key}: version {version} was published with another {wrong}"


def final(seen):
    lost = [m for m in seen.sent if m.offset < 0]
    complaints = [f"{len(lost)} of the test's own messages were never placed"] if lost else []
    for part in (record_complaints, end_complaints, topic_complaints):
        complaints += part(seen)
    return complaints

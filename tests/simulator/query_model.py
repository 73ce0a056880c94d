"""Encoded queries read a second time, in Python: random queries over random rows must agree."""

FIELDS = {"short_description": "text", "correlation_id": "text", "correlation_display": "text",
          "sys_updated_on": "text", "sys_id": "text", "impact": "number", "state": "number",
          "description": "text", "assignment_group.name": "text"}


def compare(field, a, b):
    if FIELDS[field] == "number":
        try:
            a, b = float(a), float(b)
        except ValueError:
            pass
    return (a > b) - (a < b)


def condition(row, c):
    field, op, value = c
    v = row[field]
    if op == "=":
        return compare(field, v, value) == 0
    if op == "!=":
        return compare(field, v, value) != 0
    if op in ("<", "<=", ">", ">="):
        d = compare(field, v, value)
        return v != "" and {"<": d < 0, "<=": d <= 0, ">": d > 0, ">=": d >= 0}[op]
    if op == "BETWEEN":
        low, high = value.split("@")
        return v != "" and compare(field, v, low) >= 0 and compare(field, v, high) <= 0
    return {"LIKE": value in v, "NOT LIKE": value not in v, "STARTSWITH": v.startswith(value),
            "ENDSWITH": v.endswith(value), "IN": v in value.split(","), "NOT IN": v not in value.split(","),
            "ISEMPTY": v == "", "ISNOTEMPTY": v != ""}[op]


def matches(row, groups):
    return any(all(any(condition(row, c) for c in clause) for clause in group) for group in groups)


def random_condition(rng, rows):
    field = rng.choice(list(FIELDS))
    op = rng.choice(["=", "!=", "<", "<=", ">", ">=", "LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH", "IN",
                     "NOT IN", "ISEMPTY", "ISNOTEMPTY", "BETWEEN"])
    values = [rng.choice(rows)[field] or "1" for _ in range(3)]
    if op in ("ISEMPTY", "ISNOTEMPTY"):
        return field, op, ""
    if op == "BETWEEN":
        return field, op, "@".join(sorted(values[:2]))
    if op in ("IN", "NOT IN"):
        return field, op, ",".join(values)
    if op in ("LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH"):
        n = rng.randint(1, 4)
        return field, op, values[0][-n:] if op == "ENDSWITH" else values[0][:n]
    return field, op, values[0]


def query_text(groups, orders):
    parts = []
    for g, group in enumerate(groups):
        first = True
        for clause in group:
            for k, c in enumerate(clause):
                prefix = "NQ" if g and first else "OR" if k else ""
                parts.append(prefix + "".join(c))
                first = False
    return "^".join(parts + [("ORDERBYDESC" if down else "ORDERBY") + f for f, down in orders])


def make_rows(sim, rng, n):
    groups = sim.table("sys_user_group").result
    rows = []
    for _ in range(n):
        group = rng.choice(groups + [None, None])
        rows.append({
            "sys_id": f"{rng.getrandbits(128):032x}",
            "short_description": rng.choice(["disk", "disk full", "cpu", "", "a b", "zz"]),
            "description": rng.choice(["", "x", "long text"]),
            "correlation_id": rng.choice(["", f"c{rng.randint(0, 20)}"]),
            "correlation_display": rng.choice(["", f"itsm {rng.randint(0, 30):02d}"]),
            "sys_updated_on": f"2026-01-0{rng.randint(1, 3)} 10:00:0{rng.randint(0, 9)}",
            "impact": str(rng.randint(1, 3)), "state": rng.choice(["1", "2", "6", "-100"]),
            "assignment_group": group["sys_id"] if group else ""})
        rows[-1]["assignment_group.name"] = group["name"] if group else ""
    return rows


def ordered(rows, orders):
    rows = sorted(rows, key=lambda r: r["sys_id"])
    for field, down in reversed(orders):
        key = (lambda r, f=field: float(r[f])) if FIELDS[field] == "number" else (lambda r, f=field: r[f])
        rows = sorted(rows, key=key, reverse=down)
    return [r["sys_id"] for r in rows]


def check_query(sim, rng, rows):
    groups = [[[random_condition(rng, rows) for _ in range(rng.choice([1, 1, 2]))]
               for _ in range(rng.choice([1, 1, 2, 3]))] for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    orders = rng.choice([[], [("sys_updated_on", False), ("sys_id", False)], [("sys_id", False)],
                         [("correlation_display", True), ("sys_id", False)],
                         [("sys_updated_on", True), ("sys_id", True)],
                         [("impact", True), ("short_description", False), ("sys_id", False)]])
    text = query_text(groups, orders)
    want = ordered([r for r in rows if matches(r, groups)], orders)
    answer = sim.table("incident", text, sysparm_fields="sys_id")
    got = [r["sys_id"] for r in answer.result]
    if (got if orders else sorted(got)) != (want if orders else sorted(want)):
        raise AssertionError(f"query {text!r}: got {len(got)}, want {len(want)}")
    if answer.headers["X-Total-Count"] != str(len(want)):
        raise AssertionError(f"query {text!r}: X-Total-Count {answer.headers['X-Total-Count']}, want {len(want)}")
    if orders:
        offset, limit = rng.randint(0, 5), rng.randint(1, 20)
        page = sim.table("incident", text, sysparm_fields="sys_id", sysparm_offset=offset,
                         sysparm_limit=limit, sysparm_no_count=rng.choice(["true", "false"]))
        got = [r["sys_id"] for r in page.result]
        if got != want[offset:offset + limit]:
            raise AssertionError(f"query {text!r}, offset {offset}, limit {limit}: got {got}")

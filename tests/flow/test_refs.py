"""Names, choices, templates, configuration items and lengths against an instance that has them."""
from harness import *

OPS = "b1" * 16
PATH = sample("test-metric-static.json")["data"]["essentials"]["alertTargetIDs"][0]


def rows(s, table, *given):
    s.sim.call("POST", "/_sim/rows", {"table": table, "rows": list(given)})


def group(s, name="Storage Ops", sys_id=OPS):
    rows(s, "sys_user_group", {"sys_id": sys_id, "name": name, "active": "true"})


def template(s, name, text, sys_id="c1" * 16):
    rows(s, "sys_template", {"sys_id": sys_id, "name": name, "table": "incident", "active": "true", "template": text})


def record(s, number):
    found = by_alert(s.sim.rows()).get(guid(number), [])
    check(len(found) == 1, f"one record of alert {number}: {len(found)}")
    return found[0]


def notes_of(s, row):
    return next(o["notes"] for o in s.outcome_records() if o.get("number") == row["number"])


def ask(s, number, **how):
    s.send(alert(number, **how), key=guid(number))
    s.flush()
    return wait_for(f"a record of alert {number}", lambda: guid(number) in by_alert(s.sim.rows())) and record(s, number)


def resync(s):
    return subprocess.run([str(BIN / "itsm-bridge"), "resync", "-c", str(s.config_file)], capture_output=True,
                          text=True, timeout=60, env={**os.environ, **s.secrets})


def work_notes(s, row):
    return [j["value"] for j in s.sim.rows("sys_journal_field", f"element_id={row['sys_id']}^element=work_notes")]


def test_names_and_choices():
    with scene("names", partitions=1, producers=("incident",), consumer=r'''close_code = "solution PROVIDED";
            fields = { assignment_group = "storage ops"; caller_id = "Ann Operator"; assigned_to = "Doe, Jane";
                       category = "Databse"; urgency = "1 - high"; location = "Head Ofice"; };''') as s:
        group(s)
        s.sim.settings(ignore_case=True)
        rows(s, "sys_user", {"sys_id": "d1" * 16, "user_name": "jane", "name": "Doe, Jane"})
        b = s.bridge().ready()
        b.says(r"choice-unknown.*'Databse' is none of the choices.*did you mean 'Database'")
        b.says(r"name-unknown.*'Head Ofice' is no record of cmn_location.*did you mean 'Head Office'")
        check(b.text().count("name-unknown") == 1, "known names are not complained about")
        row = ask(s, 1)
        check(row["assignment_group"] == OPS and row["assigned_to"] == "d1" * 16, "names became sys_ids")
        ann = s.sim.rows("sys_user", "user_name=ann.operator")[0]["sys_id"]
        check(row["caller_id"] == ann, "a user by its display name")
        check(row["urgency"] == "1" and row["location"] == "", f"choice by label, unknown location: {row['location']!r}")
        s.all_committed()
        notes = notes_of(s, row)
        check(any("location: Head Ofice: not found, left out" in n for n in notes), f"the outcome tells: {notes}")
        check(any("category: Databse: none of the choices" in n for n in notes), f"the outcome tells: {notes}")
        s.send(alert(1, condition="Resolved"), key=guid(1))
        s.flush()
        wait_for("the record is resolved", lambda: record(s, 1)["state"] == "6")
        check(record(s, 1)["close_code"] == "Solution provided", "the close code by its label")

        # Made meanwhile: used without a restart, once somebody says so.
        rows(s, "cmn_location", {"sys_id": "e1" * 16, "name": "Head Ofice"})
        done = resync(s)
        check(done.returncode == 0, done.stdout + done.stderr)
        b.says("configuration-asked")
        wait_for("the new location is used", lambda: ask(s, random.randrange(10, 1 << 30))["location"] == "e1" * 16)
        check(b.stop() == 0, "exit code")


def test_templates():
    with scene("templates", partitions=1, consumer=r'''template = "Diks full"; fields = { category = "database"; };
            rules: ( { name = "sev1"; template = "Storage outage"; when: ( { field = "severity"; equals = "Sev1"; } ); } );
            ''') as s:
        template(s, "Disk full", "impact=1^category=hardware^subcategory=disk^comments=look at the disk^EQ")
        template(s, "Storage outage", f"urgency=3^category=hardware^assignment_group={OPS}^number=INC1^state=7"
                 "^opened_by=javascript:gs.getUserID()^business_impact=shop^^closed^EQ", "c2" * 16)
        group(s)
        b = s.bridge().ready()
        b.says(r"template-missing.*no template 'Diks full' for incident; did you mean 'Disk full'")
        b.says(r"template-value.*'Storage outage' opened_by is left out.*script")
        one = ask(s, 1, severity="Sev1")
        check((one["category"], one["urgency"]) == ("database", "1"), "what is mapped wins over the template")
        check(one["assignment_group"] == OPS and one["business_impact"] == "shop^closed", "the template fills the rest")
        check(one["number"] != "INC1" and one["state"] == "1" and "javascript" not in one["opened_by"], "nothing more")
        check(ask(s, 2)["subcategory"] == "", "without its template the record is made all the same")

        s.sim.edit(table="sys_template", sys_id="c1" * 16, user="anna", set={"name": "Diks full"}, raw=True)
        s.sim.edit(table="sys_template", sys_id="c2" * 16, user="anna", raw=True,
                   set={"template": "business_impact=none^EQ"})
        done = resync(s)
        check(done.returncode == 1 and "SIGHUP" in done.stderr, "a bridge without tables is told otherwise")
        b.signal(signal.SIGHUP)
        numbers = iter(range(100, 1 << 30))
        wait_for("the renamed template is used", lambda: ask(s, next(numbers))["subcategory"] == "disk", every=0.3)
        three = ask(s, 3, severity="Sev1")
        check((three["business_impact"], three["assignment_group"]) == ("none", ""), "the corrected template is used")
        s.sim.edit(table="sys_template", sys_id="c2" * 16, user="anna", set={"active": "false"}, raw=True)
        b.signal(signal.SIGHUP)
        b.says(r"template-missing.*no template 'Storage outage'")
        check(b.stop() == 0, "exit code")


def test_configuration_items():
    with scene("items", partitions=1, connection='ci_fields = ["name", "fqdn", "correlation_id"];') as s:
        rows(s, "cmdb_ci_linux_server", {"sys_id": "f1" * 16, "name": "web-77", "fqdn": "web-77.example.com"},
             {"sys_id": "f2" * 16, "name": "stor-1", "correlation_id": PATH.upper()},
             {"sys_id": "f3" * 16, "name": "twin"}, {"sys_id": "f4" * 16, "name": "twin"})
        s.sim.settings(ignore_case=True)
        s.bridge().ready()
        named = {1: ["web-77.example.com"], 2: ["nobody"], 3: ["twin"], 4: ["web-77"]}
        for number, names in named.items():
            a = alert(number)
            a["data"]["essentials"]["configurationItems"] = names
            if number != 2:
                a["data"]["essentials"]["alertTargetIDs"] = ["/subscriptions/x/other"]
            s.send(a, key=guid(number))
        s.flush()
        s.all_committed()
        check([record(s, n)["cmdb_ci"] for n in (1, 2, 3, 4)] == ["f1" * 16, "f2" * 16, "", "f1" * 16],
              f"items: {[record(s, n)['cmdb_ci'] for n in (1, 2, 3, 4)]}")
        check(any("several are named twin" in n for n in notes_of(s, record(s, 3))), "ambiguous: none, and a note")


def test_an_item_is_made_once():
    """Two processes, many alerts of the same few items at the same moment."""
    with scene("made", partitions=4, connection='create_configuration_items = true; ci_class = "cmdb_ci_server";') as s:
        first, second = s.bridge("first").ready(), s.bridge("second").ready()
        wait_for("both have partitions", lambda: all(b.metric("kafka_assigned_partitions") == 2 for b in (first, second)), 40, 0.5)
        s.sim.settings(insert_ms=30, commit_delay_ms=200)
        for number in range(80):
            a = alert(number)
            a["data"]["essentials"]["configurationItems"] = [f"new-{number % 4}"]
            s.send(a, partition=number // 4 % 4)
        s.flush()
        s.all_committed()
        made = s.sim.rows("cmdb_ci_server", "nameSTARTSWITHnew-")
        check(sorted(r["name"] for r in made) == ["new-0", "new-1", "new-2", "new-3"],
              f"one of each: {sorted(r['name'] for r in made)}")
        ids = {r["name"]: r["sys_id"] for r in made}
        for number in range(80):
            check(record(s, number)["cmdb_ci"] == ids[f"new-{number % 4}"], f"the item of alert {number}")
        said = [n for o in s.outcome_records() for n in o["notes"] if "was made in cmdb_ci_server" in n]
        check(0 < len(said) <= 4, f"told once for each: {said}")
        wrote = [sum("name-made" in line for line in b.text().splitlines()) for b in (first, second)]
        check(sum(wrote) <= 4, f"made in the logs of both: {wrote}")
        check(first.stop() == 0 and second.stop() == 0, "exit codes")


def test_long_values():
    with scene("long", partitions=1) as s:
        for column, length in (("short_description", "60"), ("description", "2500")):
            entry = s.sim.rows("sys_dictionary", f"name=incident^element={column}")[0]
            s.sim.edit(table="sys_dictionary", sys_id=entry["sys_id"], user="anna", set={"max_length": length}, raw=True)
        b = s.bridge().ready()
        rule = "räksmörgås " * 12
        a = alert(1, rule=rule.strip())
        a["data"]["essentials"]["description"] = text = "\n".join(f"line {i} of a long text" for i in range(150))
        s.send(a, key=guid(1))
        s.flush()
        s.all_committed()
        row = record(s, 1)
        check(len(row["short_description"]) <= 60 and row["short_description"].endswith("..."), row["short_description"])
        check(2000 < len(row["description"]) <= 2500, f"description has {len(row['description'])} characters")
        check("Identity (azure" in row["description"], "identity is never cut")
        notes = work_notes(s, row)
        check(len(notes) == 1 and rule.strip() in notes[0] and text[-30:] in notes[0], f"whole texts: {notes}")
        a["data"]["essentials"]["severity"] = "Sev0"
        s.send(a, key=guid(1))
        s.flush()
        wait_for("the update", lambda: record(s, 1)["impact"] == "1")
        check(len(work_notes(s, row)) == 2, "one note more")
        check(all(text[-30:] in n for n in work_notes(s, row)), "with the whole text again")
        check(len(record(s, 1)["short_description"]) <= 60, "the update keeps to the length")
        check(b.stop() == 0, "exit code")


run(test_names_and_choices, test_templates, test_configuration_items, test_an_item_is_made_once, test_long_values)

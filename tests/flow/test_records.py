"""What records of work items hold beyond the row: forms, changed fields, the bridge's own changes."""
import itertools

from records import *

# The user has to be asked for: the sign-in does not name it.
NAMELESS = 'grant = "client_credentials"; client_id = "itsm-bridge"; client_secret = "env:SNOW_SECRET"; token_store = "";'
NOT_COMPARED = {"sys_updated_on", "sys_updated_by", "sys_mod_count"}


def test_forms():
    with scene("forms", consumers=False) as s:
        producers(s, 'table = "incident"; form = "both";',
                  'table = "change_request"; form = "itsmc";', 'table = "problem"; form = "itsmc";')
        new_rows(s, 1, description="all of it", urgency="1", impact="1")
        new_rows(s, 1, "change_request", type="normal")
        new_rows(s, 1, "problem")
        b = s.bridge().ready()
        for table in ("incident", "change_request", "problem"):
            b.says(f"table-caught-up table={table}")
        raw = records(s, f"{s.prefix}.incident", "workitem")
        flat = records(s, f"{s.prefix}.incident.itsmc", "workitem-itsmc")
        check([k for k, _, _ in raw] == [k for k, _, _ in flat], "both topics hold the same rows")
        made = [i for i, (_, v, _) in enumerate(raw) if v["record"]["description"] == "all of it"]
        check(len(made) == 1, "the row is there once")
        record, old = raw[made[0]][1]["record"], flat[made[0]][1]
        check(record["priority"] == "1" and old["Priority_s"].startswith("1 - "), f"{record} {old}")
        check(record["state"] == "1" and old["IncidentState_s"] == "New", f"{record} {old}")
        check(old["ServiceDeskWorkItemType_s"] == "Incident" and old["ServiceDeskConnectionName_s"] == "test", f"{old}")
        check(old["ServiceDeskId_s"] == record["number"], f"{old}")
        check(old["CreatedDate_t"] == record["opened_at"].replace(" ", "T") + ".000Z", f"{old} {record}")
        plain = s.sim.rows("incident", f"sys_id={raw[made[0]][0]}")[0]
        check(all(record[k] == plain[k] for k in ("number", "state", "opened_by", "sys_updated_on")),
              "the form servicenow holds stored values")
        change = [v for _, v, _ in records(s, f"{s.prefix}.change_request", "workitem-itsmc")]
        check(change and all(v["ServiceDeskWorkItemType_s"] == "ChangeRequest" and v["CRState_s"] for v in change),
              f"{change}")
        problem = [v for _, v, _ in records(s, f"{s.prefix}.problem", "workitem-itsmc")]
        check(problem and problem[0]["ServiceDeskWorkItemType_s"] == "problem", f"{problem}")


def test_changed_fields_are_those_of_the_instance():
    with scene("changed", consumers=False) as s:
        producers(s, 'table = "incident";')
        ids = new_rows(s, 5)
        b = s.bridge().ready()
        b.says("table-caught-up")
        check(all(v["changed"] is None for v in versions(s).values()), "nothing is known before the first record")
        dice = random.Random(3)
        for _ in range(30):
            what = dice.choice([{"urgency": str(dice.randrange(1, 4))}, {"impact": str(dice.randrange(1, 4))},
                                {"state": "2"}, {"short_description": f"text {dice.random()}"}])
            edited(s, dice.choice(ids), **what)
            time.sleep(dice.choice([0, 0.05, 0.3]))
        for sys_id in ids:
            wait_published(s, sys_id)
        values = versions(s)
        # The instance's own list of changes, version by version, is what ours is compared with.
        for sys_id in ids:
            old = [e["changes"] for e in s.sim.journal() if e["sys_id"] == sys_id]
            seen = sorted(m for k, m in values if k == sys_id)
            for before, now in itertools.pairwise(seen):
                first, last = {}, {}
                for changes in old[before + 1:now + 1]:
                    for field, c in changes.items():
                        first.setdefault(field, c["old"])
                        last[field] = c["new"]
                want = sorted(f for f in last if first[f] != last[f] and f not in NOT_COMPARED)
                got = values[sys_id, now]["changed"]
                check(got == want, f"version {now} of {sys_id} after {before}: {got}, not {want}")
        changed = [v for v in values.values() if v["changed"]]
        check(len(changed) >= 5, f"only {len(changed)} records name changed fields")


def test_own_changes_are_marked():
    with scene("echo") as s:
        producers(s, 'table = "incident";')
        b = s.bridge().ready()
        for n in range(1, 4):
            s.send(alert(n), key=str(n))
        s.flush()
        s.all_committed()
        ids = {k: r[0]["sys_id"] for k, r in by_alert(s.sim.rows()).items()}
        check(len(ids) == 3, "incidents")
        for sys_id in ids.values():
            wait_published(s, sys_id)
        one = ids[guid(1)]
        edited(s, one, short_description="by a person")
        value = wait_published(s, one)
        check(value["own_change"] is False and value["changed"] == ["short_description"], f"{value}")
        s.send(alert(1, condition="Resolved"), key="1")
        s.flush()
        s.all_committed()
        final = wait_published(s, one)
        check(final["own_change"] is True and "state" in final["changed"], f"{final}")
        for key, value, h in records(s, f"{s.prefix}.incident", "workitem"):
            own = value["record"]["sys_updated_by"] == OWN
            check(value["own_change"] is own and (h.get("itsm_own_change") == "true") is own, f"{value} {h}")
            check(h.get("itsm_changed") == (None if value["changed"] is None else ",".join(value["changed"])), f"{h}")
        check(b.metric("workitems_left_out_total") == 0, "nothing is left out")


def test_own_changes_are_left_out_and_no_others():
    with scene("leave", auth=NAMELESS) as s:
        producers(s, 'table = "incident"; own_changes = "leave_out";')
        b = s.bridge().ready()
        b.says(rf"own-user user={OWN}")
        for n in range(1, 6):
            s.send(alert(n), key=str(n))
        s.flush()
        s.all_committed()
        ids = {k: r[0]["sys_id"] for k, r in by_alert(s.sim.rows()).items()}
        wait_for("own versions are left out", lambda: b.metric("workitems_left_out_total") >= 5, 20, 0.2)
        one, two, three = ids[guid(1)], ids[guid(2)], ids[guid(3)]
        # A person's change, alone and with one of the bridge's right behind it, before any poll.
        edited(s, one, short_description="by a person")
        value = wait_published(s, one)
        check(value["own_change"] is False, f"{value}")
        edited(s, two, short_description="by a person")
        edited(s, two, user=OWN, urgency="1")
        value = wait_published(s, two)
        check(value["record"]["short_description"] == "by a person", f"{value}")
        left = b.metric("workitems_left_out_total")
        before = set(versions(s))
        edited(s, three, user=OWN, urgency="1")
        wait_for("the bridge's own change is left out", lambda: b.metric("workitems_left_out_total") > left, 20, 0.2)
        check(set(versions(s)) == before, "nothing was published for it")
        check(b.stop() == 0, "exit code")


def test_an_own_user_that_cannot_be_found():
    with scene("nobody", consumers=False, auth=NAMELESS) as s:
        producers(s, 'table = "incident"; own_changes = "leave_out";')
        s.sim.call("POST", "/_sim/users", {"user_name": OWN, "password": "password", "roles": ["itil"],
                                           "deny": {"read": ["sys_user"]}})
        ids = new_rows(s, 1, user=OWN)
        b = s.bridge().ready()
        b.says("own-user-unknown .*neither marked nor left out")
        check(wait_published(s, ids[0])["own_change"] is None, "it is not known whose change it is")


def test_changed_fields_are_known_after_a_restart():
    with scene("rebuild", consumers=False) as s:
        producers(s, 'table = "incident"; last_seen_rebuild = true;', 'table = "change_request"; last_seen_rebuild = true; form = "both";')
        ids = new_rows(s, 3)
        changes = new_rows(s, 1, "change_request", type="normal")
        b = s.bridge().ready()
        b.says("last-seen-rebuilt table=incident rows=0")
        b.says("table-caught-up table=incident")
        b.says("table-caught-up table=change_request")
        b.kill()
        edited(s, ids[1], short_description="while nobody looked", urgency="1")
        edited(s, changes[0], table="change_request", short_description="while nobody looked")
        b = s.bridge("second")
        b.says("last-seen-rebuilt table=incident rows=[1-9]", 40)
        value = wait_published(s, ids[1])
        check(value["changed"] == ["priority", "short_description", "urgency"], f"{value['changed']}")
        wait_for("the change request", lambda: any(
            v["changed"] == ["short_description"] for _, v, _ in records(s, f"{s.prefix}.change_request", "workitem")), 20, 0.2)


run(test_forms, test_changed_fields_are_those_of_the_instance,
    test_own_changes_are_marked, test_own_changes_are_left_out_and_no_others,
    test_an_own_user_that_cannot_be_found, test_changed_fields_are_known_after_a_restart)

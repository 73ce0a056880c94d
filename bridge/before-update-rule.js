/* Optional business rule for ServiceNow: closes the four races that a client alone cannot close,
 * because the instance has no conditional update (README, "Where ServiceNow cannot help").
 *
 * Business Rules, New:  Table: Incident.  Name: itsm-bridge guard.  Advanced: yes.
 * When: before.  Order: 50.  Update: yes (Insert, Delete, Query: no).
 * Condition:  gs.getUserName() == 'itsm.integration' && current.state.changes()
 *             (put the name of your integration user there)
 * Script: this file.
 *
 * It refuses a state change by the bridge's user on a record that is no longer open, or whose
 * state stamp is not older than the one that comes. The bridge takes the refusal as a reason to read
 * the record again; nothing is lost by it.
 */
(function executeRule(current, previous) {
    /* "itsm-bridge <16 hex> <generation>.<rank>.<time, base 36> <topic>.<partition>.<offset>" */
    function parse(text) {
        var m = /^itsm-bridge ([0-9a-f]{16}) (\d{6})\.([01])\.([0-9a-z]+) ([0-9a-f]{8})\.(\d+)\.(\d+)$/.exec(text);
        if (m === null)
            return null;
        return {
            series: m[1], generation: parseInt(m[2], 10), rank: parseInt(m[3], 10), time: parseInt(m[4], 36),
            place: m[5] + '.' + m[6], offset: parseInt(m[7], 10)
        };
    }

    function newer(a, b) {
        if (b === null)
            return true;
        if (a === null || a.series !== b.series)
            return false;
        if (a.generation !== b.generation)
            return a.generation > b.generation;
        if (a.generation === 0 && a.rank !== b.rank)
            return a.rank > b.rank;
        if (a.place === b.place)
            return a.offset > b.offset;
        return a.time > b.time;
    }

    var before = String(previous.getValue('state'));
    var open = before !== '6' && before !== '7' && before !== '8';

    if (open && newer(parse(String(current.getValue('correlation_display'))),
                      parse(String(previous.getValue('correlation_display')))))
        return;
    gs.addErrorMessage('itsm-bridge guard: the record was changed since it was read');
    current.setAbortAction(true);
})(current, previous);

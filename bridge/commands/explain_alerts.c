/* Codes of the way of alerts: reading messages, records, outcomes, offsets. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"dead-letter",
     "A message could not become a record for a reason of its own. It is kept unchanged in the "
     "dead-letter topic, with the class and the reason in headers; the stream goes on.",
     "mend the cause that the class names, then send the message again"},
    {"not-json", "A message is not JSON.", "correct its sender"},
    {"not-utf8", "A message is not UTF-8, the only encoding of JSON.", "correct its sender"},
    {"nul", "A message holds a NUL character, which no column can hold.", "correct its sender"},
    {"empty", "A message, or the array in it, holds nothing.", "correct its sender"},
    {"too-deep", "A message nests deeper than any alert does.", "correct its sender"},
    {"duplicate-member",
     "A message has a member twice, and which of the two counts is not defined.",
     "correct its sender"},
    {"no-format",
     "A message is of no format that is known, or not of the one that consumers[].format names.",
     "set consumers[].format, or send it to another topic"},
    {"no-identity", "A message does not say which alert it belongs to.",
     "correct its sender; for Azure switch the common alert schema on in the action group"},
    {"no-state", "A message does not say whether the alert fires or is over.",
     "correct its sender"},
    {"wrong-type",
     "A member that tells which alert this is, or its state, is of a wrong JSON type.",
     "correct its sender"},
    {"stamp-damaged",
     "The newest record of a series has a correlation_display that is not the bridge's, so its "
     "cycle cannot be told.",
     "restore or clear that column, then send the dead letter again"},
    {"expired", "An open record had no news for expire_h and was resolved.",
     "nothing; raise consumers[].expire_h when such alerts still fire"},
    {"expire-refused", "A record without news for expire_h could not be resolved. It stays open.",
     "see the text: often a column is mandatory; set consumers[].close_code or `fields`"},
    {"table-columns",
     "The table of a target lacks a column that the bridge needs: the one of the state, or for "
     "alerts that do not name their cycle correlation_display and description (em_alert has none).",
     "set consumers[].state_column with its values, add the columns, or choose another target; "
     "then "
     "send the dead letters again"},
    {"attempts",
     "ServiceNow answered limits.max_attempts times without a clear yes, and the record shows "
     "that nothing was written.",
     "look at the instance's log for this record, mend the cause, send the dead letter again"},
    {"rows-refused",
     "Nothing can be written to the target of events or imports. The alerts wait; it is tried "
     "again.",
     "events need Event Management and the role evt_mgmt_integration; an import needs a staging "
     "table that the user may write and read, and an active transform map"},
    {"event-too-large", "An event with the constants of consumers[].fields is too long to be sent.",
     "shorten the constants, then send the dead letter again"},
    {"read-refused",
     "Records of a target cannot be read, and nothing is written that was not read before. Alerts "
     "wait.",
     "give the user read access to the table (of incidents: the role itil)"},
    {"changed-between", "A person changed a record between the bridge's read and its write.",
     "look at the record's history when its state surprises; before-update-rule.js rules it out"},
    {"sys-id-ignored",
     "The instance does not take the sys_id that the bridge chooses. Records are looked up by "
     "correlation_id before each create, and a lost answer may lead to a second record.",
     "look for a business rule or plug-in that sets sys_id on insert; check --write tells when "
     "it is mended"},
    {"close-code", "The instance has none of the usual close codes, so resolves may be refused.",
     "set consumers[].close_code to one that it has; check lists them"},
    {"name-lookup",
     "A name (of a configuration item, group, user) could not be looked up. Records are made "
     "without it until the next try in a minute.",
     "give the user read access to the table that the line names"},
    {"name-unknown",
     "A name that the configuration, a rule or an alert gives is not on the instance. Records are "
     "made without it.",
     "correct the name, or make it on the instance and run itsm-bridge resync (or send SIGHUP)"},
    {"name-made", "A configuration item was not there and was made.", ""},
    {"name-not-made",
     "A configuration item is not there and could not be made. Records are made without it.",
     "give the user the right to write connection.ci_class"},
    {"dictionary",
     "The dictionary or the choices of a table cannot be read, so names and values are sent as "
     "they are given.",
     "give the user read access to sys_db_object, sys_dictionary and sys_choice"},
    {"column-unknown",
     "A column of consumers[].fields is not in the table; the instance drops it without a word.",
     "correct consumers[].fields"},
    {"choice-unknown",
     "A value of consumers[].fields is none of its column's choices; the instance may refuse or "
     "drop it.",
     "correct consumers[].fields, or add the choice"},
    {"template-missing",
     "A template that the configuration names is not on the instance. Records are made without "
     "its values.",
     "correct the name, or make the template and run itsm-bridge resync (or send SIGHUP)"},
    {"template-value",
     "A template of the instance holds a script, or a column that the bridge or the instance sets. "
     "That value is left out.",
     "take it out of the template, or set a constant"},
    {"end-waits",
     "An outcome or a dead letter could not be written. It is tried again until it can; its "
     "offset stays uncommitted.",
     "see the code in the line: a missing topic has to be made again, or a right given"},
    {"ends-written", "Outcomes and dead letters are written again.", ""},
    {"intake-paused",
     "No more alerts are read for now, because memory or a bound of limits is full. They stay in "
     "their topics.",
     "nothing when ServiceNow is away; else see the text"},
    {"intake-resumed", "Alerts are read again.", ""},
    {"commit-failed", "Offsets could not be committed. It is tried again.",
     "see the code in the line when it goes on"},
    {"commit-healed", "Offsets are committed again.", ""},
    {"commit-metadata",
     "The metadata of a commit is cut or cannot be read. Alerts are looked at again after a "
     "restart; none is written twice.",
     "raise offset.metadata.max.bytes of the brokers, if the line says so"},
    {"offset-back", "Offsets of a partition went back: the topic was made anew. It is read so.",
     ""},
    {"records-lost",
     "The broker has deleted records before they were read. Reading goes on at the first that is "
     "left.",
     "give the topic a longer retention than the longest outage"},
    {"offsets", "Offsets of a partition could not be looked up.", "see the text"},
    {"start-lookup",
     "Where the first start of a partition begins could not be looked up. It is tried each "
     "second.",
     "see the code in the line"},
    {"foreign-group",
     "The consumer group has offsets that stand for another ServiceNow instance. Nothing was "
     "read.",
     "give this connection a kafka.group_id of its own, or delete the old group"},
};

const struct explain_area explain_alerts = {"Alerts to incidents", entries, ARRAY_LEN(entries)};

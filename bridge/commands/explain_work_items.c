/* Codes of the way of work items: tables, pages, state, transactions of theirs. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"table-started", "A table is read for the first time, from the time that the line names.", ""},
    {"table-resumed", "A table is read on from where it was left.", ""},
    {"table-progress", "How far the first read of a table has come.", ""},
    {"table-caught-up", "All changes of a table up to the time of the line are published.", ""},
    {"table-waits", "A table cannot be read or published now. It is tried again.",
     "see the code in the line when it goes on"},
    {"table-stopped",
     "A table is not read on, because that would publish changes twice or lose some. The others "
     "go on.",
     "see the code in the line, and A stopped table in the README"},
    {"table-held",
     "As many versions lie in the overlap as a state record can hold; the table waits for some to "
     "grow old.",
     "make overlap_s of the producer shorter when it lasts"},
    {"table-query-changed",
     "Query, fields or display of a producer differ from those of the last run. What happens then "
     "says producers[].on_change.",
     "`itsm-bridge resync TABLE` publishes all of it again by the new ones"},
    {"table-history-done",
     "The first pull of a table, or a resync, is complete. New changes did not wait for it.", ""},
    {"history-not-counted",
     "The rows of a first pull cannot be counted (Aggregate API), so its progress has no end.", ""},
    {"table-set", "Somebody has moved the position of a table (`itsm-bridge sync set`).", ""},
    {"control-asked", "Somebody asks for a resync, or to move a table.", ""},
    {"control-done", "What somebody asked of a table has been begun, and its record removed.", ""},
    {"control-refused", "What somebody asked of a table is not done.", "see the code in the line"},
    {"control-broken", "A request in the state topic is none that this release knows.",
     "ask again with this release's itsm-bridge"},
    {"control-owner", "A request in the state topic was written for another instance.",
     "two instances need two state topics"},
    {"control-encode", "A request cannot be written: memory is short.", "try again"},
    {"state-unread", "A command could not read the state topic to its end in time.",
     "look at the brokers and try again"},
    {"configuration-asked",
     "Somebody called `itsm-bridge resync`: choices, templates and names are read again.", ""},
    {"feed-unreadable",
     "The user may not read where the instance tells of deleted rows, or of work notes and "
     "comments. The table goes on without them, and this is looked at again every hour.",
     "let the user read sys_audit_delete or sys_journal_field, or set deletes or journal of the "
     "producer to false"},
    {"rows-gone", "The periodic look found rows that exist no more, and makes tombstones for them.",
     ""},
    {"own-user", "As which user the bridge is known on the instance: its changes are marked.", ""},
    {"own-user-unknown",
     "The bridge cannot find out which user it is, so its own changes are neither marked nor left "
     "out.",
     "let the user read its own row of sys_user"},
    {"no-own-user", "The instance shows the user no row of sys_user that is its own.",
     "let the user read its own row of sys_user"},
    {"last-seen-rebuilt", "What was published last of each row has been read back from the topic.",
     "with the code rebuild-time or a code of Kafka: not all of it; see the text"},
    {"rebuild-time",
     "Reading back what was published last was not done within its 20 s. Records of the rows that "
     "are missing name no changed fields once.",
     "nothing when it happens once; a smaller last_seen_kb needs less time"},
    {"tables-fenced",
     "Another process took over the tables, or a transaction took too long. They wait until the "
     "group says whose they are.",
     "nothing when it happens once"},
    {"fenced-again", "The tables were fenced twice within an hour and are stopped.",
     "look for a second process with the same group_id and state topic, or a "
     "transaction.timeout.ms that is too short"},
    {"not-ours", "Another process publishes this table; this one waits.", ""},
    {"state-partition-waits", "Taking over tables failed for now. It is tried again.",
     "see the text when it goes on"},
    {"state-read", "The positions of the tables have been read.", ""},
    {"query", "The query of a producer cannot be narrowed, so its table is not read.",
     "take ORDERBY and ^EQ out of the query"},
    {"query-column",
     "Query or list of fields of a producer names a column that the table does not have. The "
     "instance would leave the condition out in silence, and give other rows.",
     "correct the name"},
    {"page-field",
     "A row came without sys_id, sys_updated_on or sys_mod_count. The page is asked "
     "for again.",
     "let the user read these three columns of every row that it can see"},
    {"page-odd", "A page is not what was asked for. It is not published, and asked for again.",
     "set the user's time zone to GMT; look for a rule of the instance that changes queries of "
     "this table"},
    {"clock-step",
     "The clock of the instance went further back than the overlap covers. The table is stopped.",
     "wait until the instance's clock is right, then start the bridge again"},
    {"hidden-rows",
     "A whole page of rows of one second is hidden from the user, and there is no way past them. "
     "The table is stopped.",
     "let the user read them, or leave them out by the query of the producer"},
    {"watermark-missing",
     "The topic of a table holds records, but its position is missing. The table is not read, or "
     "everything would come again.",
     "set the number of partitions of the state topic back, if it was changed; to begin anew name "
     "another topic (README, A stopped table)"},
    {"no-date",
     "Answers have no Date header, without which it is not known up to when a table was "
     "read. The table waits.",
     "look for a proxy that takes the header away"},
    {"thread", "The helper thread for transactions cannot be started.",
     "raise the limit of tasks of the process"},
    {"state-too-large", "More versions lie in the overlap than a state record can hold.",
     "make overlap_s of the producer shorter"},
    {"state-encode", "A state record cannot be written: a name is not UTF-8.",
     "correct the name in the configuration"},
    {"state-broken", "The state record of a table cannot be understood. The table is not read.",
     "begin it anew (README, A stopped table)"},
    {"state-version", "The state record of a table was written by a newer release.",
     "run the newer release, or begin the table anew (README, A stopped table)"},
    {"state-owner",
     "The state record of a table belongs to another instance; a cloned one has the same sys_ids. "
     "The table is not read.",
     "give this instance its own topics.state and topics.prefix, or begin anew"},
    {"workitem-encode", "A row cannot be written as JSON. The page is tried again.",
     "look at the memory of the machine"},
    {"workitem-too-large",
     "A row is larger than its topic takes. A record without its fields stands in its place.",
     "raise max.message.bytes of the topic and message.max.bytes in kafka.properties, or name the "
     "fields to read"},
    {"table-twice", "A table has two entries in producers, but only one position.",
     "join them into one entry"},
};

const struct explain_area explain_work_items = {"Work items to topics", entries,
                                                ARRAY_LEN(entries)};

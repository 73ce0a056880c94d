/* The keys of consumers: a part of the table in config_table.c. */
#include "bridge/config/config_table.h"
#include "bridge/config/config_text.h"

#define CONSUMER(m_) offsetof(struct config_consumer, m_)

static const char *orphan_clears[] = {"insert_resolved", "ignore", NULL};
static const char *folds[] = {"instance", "series", NULL};
static const char *refires[] = {"new", "reopen", "note", NULL};
static const char *one_pers[] = {"alert", "group", NULL};
static const char *on_clears[] = {"resolve", "resolve_untouched", "note", "nothing", NULL};
static const char *message_keys[] = {"instance", "series", NULL};

const struct config_key config_consumer_keys[] = {
    {.path = "consumers[].name",
     .type = KEY_STRING,
     .offset = CONSUMER(name),
     .preset = "",
     .preset_is = "the first topic",
     .high = 249,
     .check = config_check_line,
     .help = "Name of the entry in logs and metrics."},
    {.path = "consumers[].topics",
     .type = KEY_STRINGS,
     .offset = CONSUMER(topics),
     .low = 1,
     .kind = "topic name",
     .check = config_check_subscription,
     .help = "Topics to read, as in [\"alerts\"]. One that begins with ^ is a regular expression. "
             "The bridge's own topics are never read."},
    {.path = "consumers[].format",
     .type = KEY_STRING,
     .offset = CONSUMER(format),
     .preset = "auto",
     .low = 1,
     .high = 100,
     .check = config_check_format,
     .help = "Form of the messages: auto (found for each message), azure (Azure common alert "
             "schema), alertmanager, another of the shipped formats, or mapping:NAME for one of "
             "your own."},
    {.path = "consumers[].target",
     .type = KEY_STRING,
     .offset = CONSUMER(target),
     .preset = "incident",
     .low = 1,
     .high = 100,
     .check = config_check_target,
     .help =
         "What an alert becomes: incident; problem or another table by name; alert (an em_alert of "
         "Event Management); event (an em_event, sent in bulk); import:TABLE (a row of an Import "
         "Set staging table)."},
    {.path = "consumers[].state_column",
     .type = KEY_STRING,
     .offset = CONSUMER(state_column),
     .preset = "",
     .preset_is = "state",
     .high = 80,
     .kind = "column name",
     .check = config_check_column,
     .help = "For a table by name: its column that says whether a record is open. With another one "
             "than state set open_value and resolved_value too."},
    {.path = "consumers[].open_value",
     .type = KEY_STRING,
     .offset = CONSUMER(open_value),
     .preset = "",
     .preset_is = "as the table is known, else the table's own default",
     .high = 40,
     .check = config_check_line,
     .help = "Stored value of that column in a new record."},
    {.path = "consumers[].resolved_value",
     .type = KEY_STRING,
     .offset = CONSUMER(resolved_value),
     .preset = "",
     .preset_is = "as the table is known, else 3 (Closed Complete of tasks)",
     .high = 40,
     .check = config_check_line,
     .help = "Stored value of that column that a resolve writes, and that means that a record is "
             "over."},
    {.path = "consumers[].start_from",
     .type = KEY_START,
     .offset = 0,
     .preset = "earliest",
     .help = "Where the first start begins: earliest, latest, or a time such as "
             "\"2026-01-31T08:00:00Z\". Later starts go on where the group has committed."},
    {.path = "consumers[].max_alert_age_h",
     .type = KEY_INT,
     .offset = CONSUMER(max_alert_age_h),
     .preset = "24",
     .low = 1,
     .high = 87600,
     .unit = "hours",
     .help = "At a first start from earliest: messages that are older make no record."},
    {.path = "consumers[].fields",
     .type = KEY_PAIRS,
     .offset = CONSUMER(fields),
     .preset = "",
     .kind = "column = value",
     .check = config_check_constant,
     .help =
         "Constants for columns of new records, as in { assignment_group = \"Service Desk\"; }."},
    {.path = "consumers[].template",
     .type = KEY_STRING,
     .offset = CONSUMER(template),
     .preset = "",
     .high = 200,
     .check = config_check_line,
     .help = "Name of a template of the instance (sys_template) whose values new records get where "
             "nothing else gives one."},
    {.path = "consumers[].close_code",
     .type = KEY_STRING,
     .offset = CONSUMER(close_code),
     .preset = "",
     .preset_is = "found in the instance's choices",
     .high = 200,
     .check = config_check_line,
     .help = "Resolution code that the bridge resolves with."},
    {.path = "consumers[].clear_wait_s",
     .type = KEY_INT,
     .offset = CONSUMER(clear_wait),
     .preset = "30",
     .low = 0,
     .high = 86400,
     .unit = "seconds",
     .scale = USEC_S,
     .help = "How long a clear that finds no record may wait for its alert before it makes a "
             "resolved record of its own."},
    {.path = "consumers[].settle_s",
     .type = KEY_INT,
     .offset = CONSUMER(settle),
     .preset = "90",
     .low = 0,
     .high = 3600,
     .unit = "seconds",
     .scale = USEC_S,
     .help = "How long an update waits after an update whose outcome is not known. Keep it above "
             "the 60 s after which the instance ends a request."},
    {.path = "consumers[].orphan_clear",
     .type = KEY_ENUM,
     .offset = CONSUMER(orphan_clear),
     .preset = "insert_resolved",
     .words = orphan_clears,
     .help = "A clear without a record: insert_resolved makes one that is resolved already; ignore "
             "is right only where fire and clear share a partition."},
    {.path = "consumers[].fold",
     .type = KEY_ENUM,
     .offset = CONSUMER(fold),
     .preset = "instance",
     .words = folds,
     .help =
         "instance: a record for each time an alert fires. series: one record for an alert rule "
         "and its resource until it is closed; needs topics where one key carries a series."},
    {.path = "consumers[].refire",
     .type = KEY_ENUM,
     .offset = CONSUMER(life.refire),
     .preset = "new",
     .words = refires,
     .help = "An alert without a cycle of its own (or fold = series) fires again after its record "
             "was resolved: new makes another record; reopen opens the last one again; note adds a "
             "work note to it. Closed records stay closed."},
    {.path = "consumers[].reopen_within_h",
     .type = KEY_INT,
     .offset = CONSUMER(life.reopen_within),
     .preset = "24",
     .low = 1,
     .high = 8760,
     .unit = "hours",
     .scale = 3600000,
     .help = "For refire = reopen or note: of a record that was resolved not longer ago; an older "
             "one gets a successor."},
    {.path = "consumers[].on_clear",
     .type = KEY_ENUM,
     .offset = CONSUMER(life.on_clear),
     .preset = "resolve",
     .words = on_clears,
     .help =
         "What the end of an alert does to its open record: resolve it; resolve_untouched: only "
         "while it is New and nobody else wrote last, else a work note; note: a work note; "
         "nothing."},
    {.path = "consumers[].clear_delay_s",
     .type = KEY_INT,
     .offset = CONSUMER(life.clear_delay),
     .preset = "0",
     .low = 0,
     .high = 86400,
     .unit = "seconds",
     .scale = USEC_S,
     .help = "A clear is acted on so long after it was read. A series that fires again meanwhile "
             "keeps its record open, so that a flapping alert does not flap the ticket."},
    {.path = "consumers[].expire_h",
     .type = KEY_INT,
     .offset = CONSUMER(life.expire),
     .preset = "0",
     .low = 0,
     .high = 87600,
     .unit = "hours",
     .scale = 3600000,
     .help = "An open record without news so long, neither a message about its alert nor a change "
             "of the record by anybody, is resolved with a note. 0: never."},
    {.path = "consumers[].note_every_min",
     .type = KEY_INT,
     .offset = CONSUMER(life.note_every),
     .preset = "0",
     .low = 0,
     .high = 1440,
     .unit = "minutes",
     .scale = 60 * USEC_S,
     .help = "Least time between two work notes about news of one record; the columns are brought "
             "up to date all the same. 0: a note with each."},
    {.path = "consumers[].message_key",
     .type = KEY_ENUM,
     .offset = CONSUMER(message_key),
     .preset = "instance",
     .words = message_keys,
     .help = "Target event: instance makes an alert for each cycle that messages name, series one "
             "for an alert rule and its resource, which fires and clears again and again."},
    {.path = "consumers[].instance_with_fire_time",
     .type = KEY_BOOL,
     .offset = CONSUMER(instance_with_fire_time),
     .preset = "false",
     .help = "Make the fire time a part of the alert's identity, for senders that use one id for "
             "ever. Set it before the first start."},
    {.path = "consumers[].one_per",
     .type = KEY_ENUM,
     .offset = CONSUMER(one_per),
     .preset = "alert",
     .words = one_pers,
     .help = "alert: a record for each alert. group: where messages are groups of alerts "
             "(alertmanager, grafana) a record for each group, until it has cleared; needs topics "
             "where one key carries a group. Set it before the first start."},
};

const size_t config_consumer_keys_count = ARRAY_LEN(config_consumer_keys);

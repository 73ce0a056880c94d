/* Codes of the process itself. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"start", "The bridge starts; the line names versions, connection and group.", ""},
    {"ready", "Everything that was configured runs.", ""},
    {"status", "The status server listens; the line names its port.", ""},
    {"reload",
     "The configuration was read again, or could not be; a line for each key that needs a "
     "restart.",
     "correct what a line names; the old configuration stays in force until then"},
    {"stopping", "The bridge was asked to stop: what is under way is finished, nothing new taken.",
     ""},
    {"stopped", "The bridge has ended, in good order or because of the code in the line.",
     "see the code, if there is one"},
    {"stop-bound",
     "Stopping took longer than limits.shutdown_s. What was not finished is uncommitted and done "
     "after the next start.",
     ""},
    {"killed", "A second signal ended the bridge at once. Nothing is lost.", ""},
    {"signals", "The process cannot receive signals.", "raise the limit of open files"},
    {"loop", "libcurl cannot begin, most likely for want of memory.",
     "give the machine more memory"},
    {"usage",
     "A command was called with options that do not fit, or with a secret where others can read "
     "it.",
     "see --help of the command; give secrets as file:PATH or env:NAME"},
    {"regex", "A regular expression of the configuration cannot be used.",
     "correct it; itsm-bridge config check names file and line"},
    {"field", "A rule or template names a field that alerts do not have.",
     "use one that the text lists"},
    {"template", "A template text of a rule cannot be used; the text says where and why.",
     "correct it; the README lists fields and filters"},
    {"zone", "A time zone of the configuration is not known.",
     "use UTC, an offset as in +02:00, or a name of the time zone database (package tzdata)"},
    {"mapping", "A mapping file cannot be used; the text says where and why.",
     "correct the file; itsm-bridge config check reads it"},
    {"status-listen", "The status server cannot listen where status.listen says.",
     "write HOST:PORT; if another process has the port, choose another or 0"},
};

const struct explain_area explain_process = {"The process", entries, ARRAY_LEN(entries)};

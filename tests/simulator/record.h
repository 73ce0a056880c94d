#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include "tests/simulator/request.h"
#include "tests/simulator/sim.h"

enum display { DISPLAY_FALSE, DISPLAY_TRUE, DISPLAY_ALL };

/* How records are shown: the arguments of a request. */
struct view {
    enum display display;
    bool no_links;
    const char *version; /* "", "/v1", "/v2" */
    struct field *field; /* of sysparm_fields; NULL: all columns */
    char **name;
    size_t fields;
};

/* Reads sysparm_fields, sysparm_display_value and the like; free with view_free. */
void view_read(const struct sim *sim, const struct table *t, const struct request *r,
               const char *version, struct view *ret_view);
void view_free(struct view *v);

/* Adds a record as a JSON object. */
void record_write(struct sim *sim, struct str *out, const struct table *t, const struct row *r,
                  const struct view *v);

/* Adds a record's raw values, all columns, in their order. */
void record_write_raw(struct str *out, const struct table *t, const struct row *r);

#endif

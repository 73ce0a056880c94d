/* A small honest instance of ServiceNow behind the stand-in of its client, and a dispatcher with
 * lanes and endings in front of it. */
#ifndef TESTS_CONSUMERS_INSTANCE_H
#define TESTS_CONSUMERS_INSTANCE_H

#include "consumers/dispatch.h"
#include "consumers/intake.h"
#include "tests/consumers/standin.h"

struct rig {
    struct config *c;
    struct partitions *p;
    struct partition *x;
    struct metrics *m;
    struct lanes *lanes;
    struct ends *ends;
    struct dispatch *d;
    struct intake n;
    usec_t now, next; /* next: what the last tick returned */
    int64_t offset;   /* of the next message */
    json_t *rows;     /* of tables that records are made in, by sys_id; `_table` is of each */
    json_t *said;     /* rows of other tables by the table's name; for the test to fill */
    json_t *events;   /* taken, in order: of em_event, and rows of staging tables */
    size_t units_done, gone;
};

void rig_start(struct rig *r, const char *consumers);
void rig_stop(struct rig *r);

/* A message arrives; takes the text. */
void rig_receive(struct rig *r, char *text);
/* One turn at the present time; outcomes are confirmed. */
void rig_turn(struct rig *r);
/* Answers one request as the instance would. */
void rig_serve(struct rig *r, struct standin_op *op);
/* Does to the rows what the request asks, without an answer. False: it exists already. */
bool rig_apply(struct rig *r, const struct standin_op *op);
/* Turns and answers until all is quiet; time goes on to the next deadline, for at most `most`
 * rounds: the test fails when it is not quiet then. */
void rig_settle(struct rig *r, int most);
/* The same until a request for the table is under way that is (or is not) a look. NULL: all became
 * quiet. */
struct standin_op *rig_until(struct rig *r, const char *table, bool look);

json_t *rig_only_row(struct rig *r); /* the one row; the test fails when there are more or none */
void rig_set(json_t *row, const char *column, const char *value);
const char *rig_column(const json_t *row, const char *column);
/* Requests so far for incident, or another table: looks, inserts, changes. */
size_t rig_count(enum snow_kind kind);
size_t rig_count_of(const char *table, enum snow_kind kind);
/* The member of outcome record i ("operation", "why", "class"); "" when it is not there. Valid
 * until the next call. */
size_t rig_outcomes(const struct rig *r);
const char *rig_outcome(const struct rig *r, size_t i, const char *member);
size_t rig_dead_letters(const struct rig *r);

#endif

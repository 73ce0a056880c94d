/* When a record that nobody clears is over (key expire_h). Pure: what is read goes in, whether to
 * resolve comes out. */
#ifndef CONSUMERS_EXPIRE_H
#define CONSUMERS_EXPIRE_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/config/config.h"
#include "consumers/record.h"
#include "consumers/target_table.h"
#include "consumers/version.h"

/* How long a record may be without news, as the rules that held for its last report say. */
struct expire_wish {
    msec_t age;     /* 0: for ever */
    bool untouched; /* only while nobody took it up (on_clear = resolve_untouched) */
};

/* The line for the description by which a record whose alert has a life of its own tells its wish,
 * above the version; "" where the wish is the entry's, which changes with the configuration. */
#define EXPIRE_LINE_SIZE 64
void expire_line(const struct config_consumer *c, const struct config_life *life,
                 char out[EXPIRE_LINE_SIZE]);
/* The wish of a record by its description: the line's, else the entry's. Where the description does
 * not end as ours do, it is not known what rules said: the one that keeps the record open longest.
 */
struct expire_wish expire_wish_of(const struct config_consumer *c, const char *description);
/* The least age that entry or rules want, which candidates must have; 0: nothing expires. */
msec_t expire_least(const struct config_consumer *c);

/* The version of the last message that the record knows of. */
struct version expire_last(const struct record *r);

/* Is there no news of this open record for `age`, neither from the alert's messages (`wall`: our
 * clock) nor from anybody in ServiceNow (`updated`: its sys_updated_on, `there`: the instance's
 * clock)? Never: what carries no stamp of ours, what a clear was applied to (a person has opened it
 * again, or it is to stay open), what is on hold; what somebody took up, where that is wanted.
 * Times that are not known (MSEC_NONE) decide against. */
struct expire_view {
    const struct record *record;
    msec_t updated, wall, there;
    msec_t age;     /* > 0 */
    bool untouched; /* leave alone what somebody took up */
};
bool expire_due(const struct expire_view *v);

/* The stamp to resolve with: of a clear, at the last message. A newer fire of an unmarked series is
 * then a new cycle; one of a marked alert is late. */
struct stamp expire_stamp(const struct record *r);

/* Should a repeat that says nothing new be written all the same, so that the record shows that the
 * alert still fires? Four times within the age. */
bool expire_shows_life(const struct record *known, const struct version *fire, msec_t age);

/* The query for candidates: ours, of one of `topics`, not over, not updated since `before`; by
 * sys_id, from `after` ("": the beginning). It only narrows: expire_due decides. */
void expire_query(struct buf *out, const struct target_table *t, const uint32_t *topics,
                  size_t topics_count, msec_t before, const char *after);

#endif

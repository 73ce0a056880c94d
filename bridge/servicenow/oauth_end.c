/* The end of the refresh token: when it is, how that is known, and warnings ahead of it. A refresh
 * does not move it, a grant by password does. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/oauth_internal.h"

#define ASK_AFTER (60 * USEC_S)          /* not in the way of the first work */
#define LIFE_END  (32503680000LL * 1000) /* the year 3000: whatever a file says */

static bool has_refresh(const struct oauth *o)
{
    const char *refresh = oauth_refresh_token(o);

    return refresh != NULL && refresh[0] != '\0';
}

static void set_end(struct oauth *o, usec_t end, enum oauth_life source, usec_t now)
{
    o->refresh_end = end;
    o->record.refresh_expires_at = clock_wall() + (end - now) / USEC_MS;
    free(o->record.refresh_source);
    o->record.refresh_source = xstrdup(oauth_life_name(source));
    if (oauth_life_mark(end - now) == 0)
        o->record.refresh_warned = 0;
}

void oauth_end_answered(struct oauth *o, const struct oauth_answer *a, bool new_token, usec_t took,
                        usec_t now)
{
    usec_t configured = o->c->auth.refresh_life;
    bool base_grant = o->tried_refresh == NULL;

    if (!has_refresh(o))
        return;
    if (a->refresh_life > 0) {
        set_end(o, now - took + a->refresh_life, OAUTH_LIFE_ANSWERED, now);
    } else if ((base_grant && new_token) || o->record.refresh_expires_at == 0) {
        set_end(o, now + (configured > 0 ? configured : OAUTH_REFRESH_LIFE),
                configured > 0 ? OAUTH_LIFE_CONFIGURED : OAUTH_LIFE_ASSUMED, now);
        o->life_asked = false;
    }
}

void oauth_end_adopt(struct oauth *o, usec_t now)
{
    msec_t end = o->record.refresh_expires_at, wall = clock_wall();

    if (end <= 0 || end > LIFE_END)
        o->refresh_end = USEC_NEVER;
    else
        o->refresh_end = end > wall ? now + (end - wall) * USEC_MS : now;
}

static void say(const struct oauth *o, int mark, usec_t left)
{
    const char *source = o->record.refresh_source == NULL ? "unknown" : o->record.refresh_source;
    char date[CLOCK_ISO_SIZE];

    clock_format_iso(o->record.refresh_expires_at, date);
    if (o->c->auth.grant == GRANT_REFRESH_TOKEN)
        log_warn("sign-in-ends",
                 "host=%s days=%d left_s=%lld source=%s\tThe refresh token ends in %d days or less "
                 "(%s). Run `itsm-bridge login` before; this process takes the new one over by "
                 "itself. After the end nothing is sent to ServiceNow, and nothing is lost",
                 o->c->host, mark, (long long)(left / USEC_S), source, mark, date);
    else
        log_warn("sign-in-ends",
                 "host=%s days=%d left_s=%lld source=%s\tThe refresh token ends in %d days or less "
                 "(%s). The bridge then signs in with connection.auth.password; see to it that it "
                 "is still right, or run `itsm-bridge login`",
                 o->c->host, mark, (long long)(left / USEC_S), source, mark, date);
}

void oauth_end_tick(struct oauth *o, usec_t now)
{
    usec_t left = o->refresh_end > now ? o->refresh_end - now : 0;
    int mark = o->refresh_end == USEC_NEVER || !has_refresh(o) ? 0 : oauth_life_mark(left);

    if (mark == 0 || left == 0)
        return;
    if (o->record.refresh_warned != 0 && o->record.refresh_warned <= mark)
        return;
    o->record.refresh_warned = mark;
    say(o, mark, left);
    oauth_store_save(o);
}

bool oauth_asks_life(const struct oauth *o, usec_t now)
{
    enum oauth_life source = oauth_life_of(o->record.refresh_source);

    return !o->life_asked && has_refresh(o) && oauth_usable(o, now) && o->call == NULL &&
           now - o->got >= ASK_AFTER && source != OAUTH_LIFE_ANSWERED;
}

void oauth_told_life(struct oauth *o, msec_t expires_at, usec_t now)
{
    msec_t wall = clock_wall();

    o->life_asked = true;
    if (expires_at <= wall || expires_at > LIFE_END || !has_refresh(o))
        return;
    set_end(o, now + (expires_at - wall) * USEC_MS, OAUTH_LIFE_ASKED, now);
    oauth_store_save(o);
}

void oauth_refresh_life(const struct oauth *o, usec_t now, struct oauth_refresh *ret)
{
    bool known = has_refresh(o) && o->refresh_end != USEC_NEVER;

    *ret = (struct oauth_refresh){.there = has_refresh(o), .left = USEC_NEVER};
    if (!known)
        return;
    ret->left = o->refresh_end > now ? o->refresh_end - now : 0;
    ret->expires_at = o->record.refresh_expires_at;
    ret->source = oauth_life_of(o->record.refresh_source);
}

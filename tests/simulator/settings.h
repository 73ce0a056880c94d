#ifndef SIM_SETTINGS_H
#define SIM_SETTINGS_H

#include "tests/simulator/util.h"

#include <jansson.h>

/*
 * Every switch of the simulator. One table (settings.c) gives name, default and meaning of each;
 * the command line (--insert-ms), the control path and the help text are made from it.
 */
struct settings {
    /* front */
    int64_t port;
    char *port_file;
    bool quiet;
    int64_t seed;
    /* capacity */
    int64_t workers;
    int64_t queue;
    double insert_ms, update_ms, read_ms, page_ms, page_row_us, token_ms, bulk_row_ms;
    double batch_limit_ms;
    int64_t rate_limit, rate_window_s;
    /* sign-in */
    bool no_auth, basic, basic_restricted, api_key;
    char *client_id, *client_secret, *user, *password;
    int64_t access_life_s, refresh_life_s;
    bool grant_password, grant_refresh, grant_client_credentials;
    bool same_token, new_refresh_token, refresh_in_answer, refresh_kills_access;
    bool client_credentials_refresh, url_parameters, client_basic;
    char *challenge, *jwt_key, *jwt_kid, *jwt_audience, *revoke;
    /* answers */
    bool gzip, chunked, cookies, random_member_order, strict_headers, null_display;
    char *base_url;
    int64_t max_content_length, max_url_bytes;
    char *request_id_header;
    /* queries */
    bool invalid_query_returns_no_rows, random_order, double_caret, ignore_case;
    int64_t user_zone_offset_s;
    bool literals_in_user_zone;
    /* rules */
    bool honour_sys_id, touch_unchanged, state_rules, resolve_policy, priority_rules;
    bool change_transitions, guard, enforce_roles, audit_delete;
    char *guard_user, *unknown_choice;
    double alert_job_ms;
    int64_t alert_active_s;
    char *event_role, *bad_event;
    bool event_sink;
    int64_t description_length;
    /* time */
    int64_t clock_offset_s;
    double commit_delay_ms, edit_commit_delay_ms;
    bool commit_delay_random;
    /* bookkeeping */
    int64_t journal_max;
    /* replay at start */
    char *replay, *replay_speed;
};

/* Sets all defaults. */
void settings_init(struct settings *set);
void settings_free(struct settings *set);

/* Sets one by name from text. Returns 0, or -1 with a sentence in *ret_why (new). */
int settings_put(struct settings *set, const char *name, const char *value, char **ret_why);

/* Sets all members of an object, all or none. Returns 0, or -1 with *ret_why (new). */
int settings_put_json(struct settings *set, const json_t *object, char **ret_why);

/* New object with all values. */
json_t *settings_json(const struct settings *set);

/* Reads --name value, --name=value and, for switches, --name and --no-name.
 * Returns 0, 1 after --help was printed, or -1 after a message on stderr. */
int settings_arguments(struct settings *set, int argc, char **argv);

#endif

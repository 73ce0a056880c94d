/* Texts of `setup`. What the administrator reads names menus and fields as the instance shows them;
 * what the operator reads can be pasted. Decides nothing. */
#include "bridge/commands/setup_print.h"

#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/text.h"
#include "bridge/commands/before_update_rule.h"
#include "bridge/config/config_value.h"

static const char *method(enum setup_action a)
{
    static const char *const methods[] = {
        [SETUP_CREATE] = "POST", [SETUP_UPDATE] = "PATCH", [SETUP_DELETE] = "DELETE"};

    return methods[a];
}

void setup_print_writes(const struct setup_plan *p, FILE *out)
{
    static const char *const secrets[] = {[SETUP_NO_SECRET] = NULL,
                                          [SETUP_CLIENT_SECRET] = "client_secret",
                                          [SETUP_PASSWORD] = "user_password"};

    for (size_t i = 0; i < p->count; i++) {
        const struct setup_step *s = &p->steps[i];
        const char *column;
        json_t *value;

        (void)fprintf(out, "%zu. %s\n   %s /api/now/table/%s%s%s%s\n", i + 1, s->what,
                      method(s->action), s->table, s->action == SETUP_CREATE ? "" : "/",
                      s->action == SETUP_CREATE ? "" : s->sys_id,
                      s->secret != SETUP_NO_SECRET ? "?sysparm_input_display_value=true" : "");
        if (s->action == SETUP_CREATE)
            (void)fprintf(out, "   %-24s %s\n", "sys_id", s->sys_id);
        json_object_foreach (s->body, column, value)
            (void)fprintf(out, "   %-24s %s\n", column, json_string_value(value));
        if (s->secret != SETUP_NO_SECRET)
            (void)fprintf(out, "   %-24s (the secret, not shown)\n", secrets[s->secret]);
    }
}

static void print_notes(const struct setup_plan *p, bool blocks, const char *head, FILE *out)
{
    bool any = false;

    for (size_t i = 0; i < p->notes_count; i++) {
        if (p->notes[i].blocks != blocks)
            continue;
        if (!any)
            (void)fprintf(out, "\n%s\n", head);
        any = true;
        (void)fprintf(out, "  - %s.\n", p->notes[i].text);
    }
}

void setup_print_notes(const struct setup_plan *p, FILE *out)
{
    print_notes(p, true, "Not complete, a person has to do this:", out);
    print_notes(p, false, "To know:", out);
}

/* Fields as the forms of an instance label them. A column that is not here is not for people. */
static const struct {
    const char *table, *column, *label;
} labels[] = {
    {SETUP_USER, "user_name", "User ID"},
    {SETUP_USER, "first_name", "First name"},
    {SETUP_USER, "last_name", "Last name"},
    {SETUP_USER, "active", "Active"},
    {SETUP_USER, "web_service_access_only", "Web service access only"},
    {SETUP_USER, "time_zone", "Time zone"},
    {SETUP_USER, "password_needs_reset", "Password needs reset"},
    {SETUP_CLIENT, "name", "Name"},
    {SETUP_CLIENT, "active", "Active"},
    {SETUP_CLIENT, "access_token_lifespan", "Access Token Lifespan"},
    {SETUP_CLIENT, "refresh_token_lifespan", "Refresh Token Lifespan"},
    {SETUP_CLIENT, "default_grant_type", "Default Grant type"},
    {SETUP_PROPERTY, "name", "Name"},
    {SETUP_PROPERTY, "type", "Type"},
    {SETUP_PROPERTY, "value", "Value"},
};

static const char *shown(const char *column, const char *value)
{
    if (strcmp(column, "type") == 0 && strcmp(value, "boolean") == 0)
        return "true | false";
    if (strcmp(column, "default_grant_type") == 0)
        return "Client Credentials";
    if (strcmp(column, "value") == 0)
        return value;
    return strcmp(value, "true") == 0    ? "ticked"
           : strcmp(value, "false") == 0 ? "not ticked"
                                         : value;
}

static void print_fields(const struct setup_step *s, FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        const char *value = json_string_value(json_object_get(s->body, labels[i].column));

        if (value != NULL && strcmp(labels[i].table, s->table) == 0)
            (void)fprintf(out, "      %-24s %s\n", labels[i].label, shown(labels[i].column, value));
    }
}

/* Where a step is done, and what goes on there beside the fields. */
static const struct {
    const char *table;
    enum setup_secret_kind secret;
    const char *menu, *after;
} menus[] = {
    {SETUP_USER, SETUP_NO_SECRET, "User Administration > Users, New", "Submit, and open it again"},
    {SETUP_USER, SETUP_PASSWORD, "the user's form, Set Password",
     "Generate a long password and note it (older releases: type it into the field Password)"},
    {SETUP_HAS_ROLE, SETUP_NO_SECRET, "the user's form, related list Roles, Edit",
     "Move the role to the right, Save"},
    {SETUP_CLIENT, SETUP_NO_SECRET,
     "System OAuth > Application Registry, New, \"Create an OAuth API endpoint for external "
     "clients\"",
     "Leave what is not named here as the form fills it (an empty Client Secret is made on "
     "Submit). "
     "Submit"},
    {SETUP_CLIENT, SETUP_CLIENT_SECRET, "the client's form",
     "Note the Client ID, and the Client Secret (unlock it to see it)"},
    {SETUP_PROPERTY, SETUP_NO_SECRET,
     "type sys_properties.list into the navigator; look for the name, New when it is not there",
     NULL},
};

static void print_manual_step(const struct setup_wanted *w, const struct setup_step *s,
                              const char *client_id, size_t number, FILE *out)
{
    (void)fprintf(out, "\n  %zu. %s\n", number, s->what);
    for (size_t i = 0; i < ARRAY_LEN(menus); i++) {
        if (strcmp(menus[i].table, s->table) != 0 || menus[i].secret != s->secret)
            continue;
        (void)fprintf(out, "      Where: %s\n", menus[i].menu);
        print_fields(s, out);
        if (strcmp(s->table, SETUP_CLIENT) == 0 && s->action == SETUP_CREATE && *client_id != '\0')
            (void)fprintf(out, "      %-24s %s\n", "Client ID", client_id);
        if (json_object_get(s->body, "user") != NULL && strcmp(s->table, SETUP_CLIENT) == 0)
            (void)fprintf(out,
                          "      %-24s %s (the field is added by Configure > Form Design; it "
                          "finds people by name: itsm-bridge integration)\n",
                          "OAuth Application User", w->user_name);
        if (menus[i].after != NULL)
            (void)fprintf(out, "      %s.\n", menus[i].after);
    }
}

void setup_print_manual(const struct setup_wanted *w, const struct setup_plan *p,
                        const char *server_url, const char *client_id, FILE *out)
{
    bool client = setup_has_client(w->grant), password = setup_has_password(w->grant);

    (void)fprintf(out,
                  "Setting up itsm-bridge on %s, by hand\n\n"
                  "itsm-bridge joins this instance to Kafka. It needs one user with as few rights "
                  "as possible%s.\n"
                  "Nothing is installed on the instance: no application, no script. You need the "
                  "role admin.\n",
                  server_url, client ? " and one OAuth client" : "");
    for (size_t i = 0; i < p->count; i++)
        print_manual_step(w, &p->steps[i], client_id, i + 1, out);
    setup_print_notes(p, out);
    if (client || password)
        (void)fprintf(out,
                      "\nThen give to the person who runs itsm-bridge, by a way that nobody else "
                      "reads:\n%s%s%s",
                      client ? "  - the Client ID\n  - the Client Secret\n" : "",
                      password ? "  - the password of " : "", password ? w->user_name : "");
    (void)fputs(password ? "\n" : "", out);
    (void)fputs("\nTo take it back: delete the client and the user; the roles go with the user.\n",
                out);
}

static void print_key(const char *key, const char *value, FILE *out)
{
    (void)fprintf(out, "        %s = ", key);
    config_print_text(value, out);
    (void)fputs(";\n", out);
}

/* A secret that stands in the configuration itself stays where it is and is not shown. */
static const char *or_reference(const char *spec, const char *fallback)
{
    if (*spec == '\0')
        return fallback;
    return text_starts(spec, "file:") || text_starts(spec, "env:") ? spec : "<as it is>";
}

void setup_print_auth(const struct config_auth *a, const struct setup_wanted *w,
                      const char *client_id, const struct setup_secret *client_secret,
                      const struct setup_secret *password, FILE *out)
{
    static const char *const grants[] = {[GRANT_PASSWORD] = "password",
                                         [GRANT_REFRESH_TOKEN] = "refresh_token",
                                         [GRANT_CLIENT_CREDENTIALS] = "client_credentials",
                                         [GRANT_JWT_BEARER] = "jwt_bearer",
                                         [GRANT_BASIC] = "basic",
                                         [GRANT_API_KEY] = "api_key"};

    (void)fprintf(out, "    auth: {\n        grant = \"%s\";\n", grants[w->grant]);
    if (setup_has_client(w->grant)) {
        print_key("client_id", *client_id ? client_id : "<the Client ID>", out);
        print_key("client_secret", or_reference(client_secret->spec, ""), out);
    }
    print_key("username", w->user_name, out);
    if (setup_has_password(w->grant))
        print_key("password", or_reference(password->spec, ""), out);
    if (w->grant == GRANT_API_KEY)
        print_key("api_key", or_reference(a->api_key.spec, "env:SNOW_API_KEY"), out);
    if (a->token_store[0] != '\0')
        print_key("token_store", a->token_store, out);
    (void)fputs("    };\n", out);
}

void setup_print_rule(const char *user_name, FILE *out)
{
    static const char stand_in[] = "'itsm.integration'";
    const char *at = strstr(before_update_rule, stand_in);

    if (at == NULL || strpbrk(user_name, "'\\") != NULL) {
        (void)fputs(before_update_rule, out);
        return;
    }
    (void)fwrite(before_update_rule, 1, (size_t)(at - before_update_rule), out);
    (void)fprintf(out, "'%s'%s", user_name, at + sizeof stand_in - 1);
}

/* The page of an Azure alert: what a person on call reads first comes first, what only a search
 * needs comes last, so that cutting it to the field's length takes the right end. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"

#define LINK_SHOWN_MAX 1500 /* a longer link would leave no room for the rest of a description */

static void time_line(struct azure *z, const char *name, msec_t ms)
{
    char text[CLOCK_SN_SIZE + 4];

    if (ms == MSEC_NONE)
        return;
    clock_format_sn(ms, text);
    memcpy(text + strlen(text), " UTC", 5);
    layout_line(&z->text, name, text);
}

/* The segment behind `/<name>/` of an ARM id, 0 when there is none. */
static size_t arm_part(const char *arm, const char *name, const char **ret)
{
    const char *p = strcasestr(arm, name);

    if (p == NULL)
        return 0;
    *ret = p + strlen(name);
    return strcspn(*ret, "/");
}

/* `vm-7 (microsoft.compute/virtualmachines), resource group prod, subscription 1234`. */
static void add_arm_place(struct buf *b, const char *arm)
{
    const char *part;
    size_t n = arm_part(arm, "/providers/", &part);

    if (n > 0 && part[n] == '/') {
        (void)buf_add_text(b, " (");
        (void)buf_add(b, part, n + 1 + strcspn(part + n + 1, "/"));
        (void)buf_add_char(b, ')');
    }
    n = arm_part(arm, "/resourcegroups/", &part);
    if (n > 0) {
        (void)buf_add_text(b, ", resource group ");
        (void)buf_add(b, part, n);
    }
    n = arm_part(arm, "/subscriptions/", &part);
    if (n > 0) {
        (void)buf_add_text(b, b->length > 0 ? ", subscription " : "subscription ");
        (void)buf_add(b, part, n);
    }
}

static void where_line(struct azure *z)
{
    const char *arm = z->a->resource, *name = azure_where(z);
    bool is_resource = strcasestr(arm, "/providers/") != NULL;
    size_t n = strlen(name);
    struct buf b;

    buf_init(&b, SIZE_MAX / 4);
    if (n == 0 && is_resource)
        name = azure_last_segment(arm, &n);
    if (is_resource || strncasecmp(arm, "/subscriptions/", 15) != 0)
        (void)buf_add(&b, name, n);
    add_arm_place(&b, arm);
    layout_line(&z->text, "Where", buf_text(&b));
    buf_done(&b);
}

static void severity_line(struct azure *z)
{
    static const char *const words[] = {"Sev0 (critical)", "Sev1 (error)", "Sev2 (warning)",
                                        "Sev3 (informational)", "Sev4 (verbose)"};
    const char *told = z->a->severity_text;

    layout_line(&z->text, "Severity",
                z->a->severity >= 0 ? words[z->a->severity]
                : told[0] != '\0'   ? told
                                    : "not told");
}

static void write_head(struct azure *z)
{
    char space[JSON_IN_SPACE];

    layout_line(&z->text, "What", z->a->title);
    where_line(z);
    time_line(z, "Since", z->a->fired);
    time_line(z, "Cleared", z->a->resolved);
    severity_line(z);
    layout_line(&z->text, "Rule", z->a->rule);
    layout_paragraphs(&z->text, "About the rule",
                      azure_text(z, z->essentials, "description", space));
}

/* Everything but unreserved characters, for one segment of a URL (RFC 3986 2.3). */
static void url_encode(struct buf *out, const char *text, const char *kept)
{
    static const char hex[] = "0123456789ABCDEF";

    while (*text != '\0') {
        size_t n = 0;
        unsigned char c;

        while ((c = (unsigned char)text[n]) != '\0' &&
               (isalnum(c) || strchr("-._~", c) != NULL || strchr(kept, c) != NULL))
            n++;
        (void)buf_add(out, text, n);
        text += n;
        if (c != '\0') {
            char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};

            (void)buf_add(out, escaped, sizeof escaped);
            text++;
        }
    }
}

static void add_url(struct azure *z, const char *name, const char *before, const char *id,
                    const char *kept)
{
    struct buf url;

    buf_init(&url, SIZE_MAX / 4);
    (void)buf_add_text(&url, before);
    url_encode(&url, id, kept);
    alert_add_link(z->a, name, buf_text(&url));
    buf_done(&url);
}

/* First in the list of links, before what the kind adds. */
static void add_portal_links(struct azure *z)
{
    const json_t *id = json_object_get(z->essentials, "alertId");

    if (json_is_string(id) && azure_alert_guid(json_string_value(id)) != NULL)
        add_url(z, "Alert in the Azure portal",
                "https://portal.azure.com/#blade/Microsoft_Azure_Monitoring/"
                "AlertDetailsTemplateBlade/alertId/",
                json_string_value(id), "");
    if (strncasecmp(z->a->resource, "/subscriptions/", 15) == 0)
        add_url(z, "Resource in the Azure portal", "https://portal.azure.com/#resource",
                z->a->resource, "/");
}

static void write_links(struct azure *z)
{
    layout_heading(&z->text, "Links");
    for (size_t i = 0; i < z->a->links_count; i++) {
        if (strlen(z->a->links[i].value) <= LINK_SHOWN_MAX)
            layout_line(&z->text, z->a->links[i].name, z->a->links[i].value);
        else
            alert_note(z->a, "the link \"%s\" is too long to be shown", z->a->links[i].name);
    }
}

static void write_custom(struct azure *z)
{
    layout_heading(&z->text, "Custom properties");
    azure_labels(z, z->custom, NULL);
    if (z->kind->properties_are_custom)
        azure_labels(z, azure_object(z, z->context, "properties"), z->custom);
}

/* What the text above has not told of the essentials. */
static void write_details(struct azure *z)
{
    static const struct azure_field fields[] = {
        {"monitoringService", "Monitoring service"},
        {"signalType", "Signal"},
        {"monitorCondition", "Condition as sent"},
        {"alertId", "Alert id"},
        {"alertRuleId", "Rule id"},
        {"originAlertId", "Origin alert id"},
        {"essentialsVersion", "Essentials version"},
        {"alertContextVersion", "Context version"},
    };
    static const struct azure_field known[] = {
        {"monitoringService", ""}, {"signalType", ""},          {"monitorCondition", ""},
        {"alertId", ""},           {"alertRuleId", ""},         {"originAlertId", ""},
        {"essentialsVersion", ""}, {"alertContextVersion", ""}, {"alertRule", ""},
        {"severity", ""},          {"firedDateTime", ""},       {"resolvedDateTime", ""},
        {"description", ""},
    };

    layout_heading(&z->text, "Targets");
    layout_lines(&z->text, "Target", z->a->targets, z->a->targets_count);
    layout_lines(&z->text, "Configuration item", z->a->ci_names, z->a->ci_names_count);
    layout_heading(&z->text, "Azure Monitor");
    azure_lines(z, z->essentials, fields, ARRAY_LEN(fields));
    azure_rest(z, z->essentials, known, ARRAY_LEN(known));
}

void azure_write(struct azure *z)
{
    struct buf title, line;

    buf_init(&title, SIZE_MAX / 4);
    buf_init(&line, SIZE_MAX / 4);
    z->kind->entitle(z, &title);
    layout_flat(&line, buf_text(&title), LAYOUT_VALUE_MAX);
    buf_done(&title);
    free(z->a->title);
    z->a->title = buf_take(&line, NULL);
    write_head(z);
    add_portal_links(z);
    z->kind->describe(z);
    write_links(z);
    write_custom(z);
    write_details(z);
    free(z->a->description);
    z->a->description = layout_take(&z->text);
}

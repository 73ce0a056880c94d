/* Finds a code in the areas of the table. */
#include "bridge/commands/explain.h"

#include <string.h>

#include "bridge/base/attr.h"

const struct explain_area *const explain_areas[] = {
    &explain_process, &explain_servicenow, &explain_signin, &explain_kafka,
    &explain_alerts,  &explain_work_items, &explain_setup,  NULL};

const struct explain_entry *explain_find(const char *code)
{
    for (size_t i = 0; explain_areas[i] != NULL; i++)
        for (size_t k = 0; k < explain_areas[i]->count; k++)
            if (strcmp(explain_areas[i]->entries[k].code, code) == 0)
                return &explain_areas[i]->entries[k];
    return NULL;
}

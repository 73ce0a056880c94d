/* Reading a mapping file: parts shared by the readers. Inside consumers/mapping only. */
#ifndef CONSUMERS_MAPPING_MAPPING_LOAD_H
#define CONSUMERS_MAPPING_MAPPING_LOAD_H

#include <libconfig.h>

#include "bridge/base/attr.h"
#include "consumers/mapping/mapping_program.h"

struct map_loader {
    struct mapping *mapping;
    struct config_errors *errors;
    bool secrets_allowed; /* what is read now enters a digest alone */
};

/* Notes a fault at the setting; what is wrong and what to do. */
void map_fault(struct map_loader *l, const config_setting_t *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Faults for each member of the group that names (ends with NULL) does not hold. */
void map_check_names(struct map_loader *l, const config_setting_t *group, const char *const *names);

/* mapping_load_parts.c: readers of one kind of setting each. They fill *into (zero before) or note
 * faults; what they made is freed with the mapping. */
void map_read_template(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_template_text(struct map_loader *l, const config_setting_t *s, const char *text,
                            struct map_template *into);
void map_read_templates(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_texts(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_text(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_flag(struct map_loader *l, const config_setting_t *s, void *into);
bool map_read_path(struct map_loader *l, const config_setting_t *s, struct map_path *into);

/* mapping_load_rules.c */
void map_read_tests(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_state(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_severity(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_pairs(struct map_loader *l, const config_setting_t *s, void *into);
void map_read_sections(struct map_loader *l, const config_setting_t *s, void *into);

#endif

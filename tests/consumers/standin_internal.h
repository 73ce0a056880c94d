/* Shared by the files of the stand-ins. */
#ifndef TESTS_CONSUMERS_STANDIN_INTERNAL_H
#define TESTS_CONSUMERS_STANDIN_INTERNAL_H

void standin_kafka_reset(void);
void standin_snow_reset(void);

#endif

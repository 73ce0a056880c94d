#ifndef SIM_FRONT_H
#define SIM_FRONT_H

#include "tests/simulator/flow.h"

/* Listens on 127.0.0.1. Returns 0, or -1 after a message on stderr. */
int front_start(struct sim *sim);
/* The port that is listened on. */
uint16_t front_port(const struct sim *sim);
void front_stop(struct sim *sim);
/* The one lock of the simulator, for the main thread; the library's thread takes it by itself. */
void front_lock(struct sim *sim);
void front_unlock(struct sim *sim);
/* With the lock held: waits, unlocked, until that time or until an earlier timer was set. */
void front_wait(struct sim *sim, usec_t until);

/* Sends what is in the call: answer, or a cut. May be called inside flow_take or later. */
void front_answer(struct call *c);
/* Ends the waiting of an answer that drips: it is cut. Nothing for other calls. */
void front_kick(struct call *c);
/* Whether the caller has closed its side. */
bool front_gone(const struct call *c);
/* First of the calls that are being read or served. */
struct call *front_live(struct sim *sim);

#endif

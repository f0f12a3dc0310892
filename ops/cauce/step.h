/* step: the conformance steps, a table for people and for the run (`cauce conformance --list`).
 *
 * A step plays one situation to the connector and says whether it did what the contract asks; the
 * words of a failure say what was seen, and what to do.  A step whose needs has not passed is not
 * run, so that one fault is one failure. */
#ifndef OPS_CAUCE_STEP_H
#define OPS_CAUCE_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/cauce/sandbox.h"
#include "ops/cauce/trigger.h"

#define STEP_WORDS_BYTES SANDBOX_WORDS_BYTES

/* What the steps of one run share. */
struct step_run {
    struct sandbox *sandbox;
    const char *command; /* --pay; NULL: a person is asked */
    uint64_t patience_ms;
    void (*ask)(const char *words); /* says on screen what to do now */
    struct trigger trigger;
    /* Of the other bank, when the run began; reserved is what an earlier run has left open. */
    struct amount available_before, reserved_before;
    char words[STEP_WORDS_BYTES]; /* why a step failed */
};

struct step {
    const char *name;
    const char *needs;  /* the step that must have passed; NULL: none */
    const char *does;   /* what the connector must do */
    const char *proves; /* the section of the contract */
    bool (*run)(struct step_run *run);
};

extern const struct step step_table[];
extern const size_t step_count;

#endif

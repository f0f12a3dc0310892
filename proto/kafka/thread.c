/* thread: see thread.h. */
#include "proto/kafka/thread.h"

#ifndef THREAD_IS_SANITIZED

void thread_prepare(void)
{
}

#else

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct start {
    thrd_start_t function;
    void *argument;
};

void thread_prepare(void)
{
}

static void *begin(void *context)
{
    struct start const start = *(struct start *)context;
    free(context);
    return (void *)(intptr_t)start.function(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    struct start *start = malloc(sizeof *start);
    if (start == NULL) return thrd_nomem;
    *start = (struct start){.function = function, .argument = argument};
    if (pthread_create(thread, NULL, begin, start) == 0) return thrd_success;
    free(start);
    return thrd_error;
}

int thrd_join(thrd_t thread, int *result)
{
    void *value;
    if (pthread_join(thread, &value) != 0) return thrd_error;
    if (result != NULL) *result = (int)(intptr_t)value;
    return thrd_success;
}

/* librdkafka is not instrumented: what it does between its own locks says nothing. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}

#endif

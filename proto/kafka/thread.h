/* thread: lets ThreadSanitizer see librdkafka's threads; nothing in any other build.
 *
 * librdkafka makes its threads with C11's thrd_create, which the sanitizer does not know: its own
 * functions then fail in such a thread at once.  In a build with that sanitizer we define
 * thrd_create and thrd_join ourselves, over POSIX threads, which it does know. */
#ifndef PROTO_KAFKA_THREAD_H
#define PROTO_KAFKA_THREAD_H

#if defined(__SANITIZE_THREAD__)
#define THREAD_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_IS_SANITIZED 1
#endif
#endif

/* Called by settings.c, so that the linker takes this file along. */
void thread_prepare(void);

#endif

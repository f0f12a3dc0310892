/* Anonymous mappings, in whole huge pages so that the kernel can give them. */
#include "switch/core/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)
#define SMALL_PAGE_BYTES ((size_t)4096) /* the smallest of any machine */

enum fault pages_open(struct pages *pages, size_t size)
{
    *pages = (struct pages){0};
    if (size > SIZE_MAX - HUGE_PAGE_BYTES) return FAULT_MEMORY;
    if (size >= HUGE_PAGE_BYTES) size = (size + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);

    void *const bytes =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) return FAULT_MEMORY;
    (void)madvise(bytes, size, MADV_HUGEPAGE); /* advice: small pages work too, only slower */
    /* They are zeros already; a write to each makes the kernel find them now, not later. */
    for (size_t at = 0; at < size; at += SMALL_PAGE_BYTES)
        ((volatile char *)bytes)[at] = 0;
    *pages = (struct pages){.bytes = bytes, .size = size};
    return FAULT_NONE;
}

void pages_close(struct pages *pages)
{
    if (pages->bytes != NULL) (void)munmap(pages->bytes, pages->size);
    *pages = (struct pages){0};
}

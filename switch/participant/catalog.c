/* The two directions of proto/iso/catalogue.h in XML. */
#include "switch/participant/catalog.h"

#include <assert.h>

#include "proto/iso/catalogue.h"
#include "proto/xml/writer.h"

static size_t write_catalog(char *bytes, bool (*is_listed)(enum catalogue_kind kind))
{
    struct writer writer;
    writer_open(&writer, bytes, CATALOG_BYTES);
    writer_start(&writer, SPAN("Catalog"));
    for (int kind = 0; kind < CATALOGUE_COUNT; kind++) {
        if (!is_listed((enum catalogue_kind)kind)) continue;
        writer_leaf(&writer, SPAN("Message"), catalogue_identifier((enum catalogue_kind)kind));
    }
    writer_end(&writer);
    struct span written;
    enum fault const fault = writer_finish(&writer, &written);
    assert(fault == FAULT_NONE); /* CATALOG_BYTES hold all types of the contract */
    (void)fault;
    return written.size;
}

void catalog_open(struct catalog *catalog)
{
    catalog->inward_size = write_catalog(catalog->inward, catalogue_is_inward);
    catalog->outward_size = write_catalog(catalog->outward, catalogue_is_outward);
}

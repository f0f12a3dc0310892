/* writer: pieces put one after the other into a buffer; what does not fit sets `full` for good. */
#include "proto/xml/writer.h"

#include <assert.h>

#include "proto/xml/escape.h"

void writer_open(struct writer *writer, char *bytes, size_t capacity)
{
    writer->bytes = bytes;
    writer->capacity = capacity;
    writer->size = 0;
    writer->full = false;
    writer->depth = 0;
}

static void put(struct writer *writer, struct span text)
{
    if (writer->full || writer->capacity - writer->size < text.size) {
        writer->full = true;
        return;
    }
    if (text.size > 0) memcpy(writer->bytes + writer->size, text.bytes, text.size);
    writer->size += text.size;
}

static void put_escaped(struct writer *writer, struct span text, struct span (*escape)(char))
{
    size_t run = 0; /* where the bytes not yet written begin */
    for (size_t i = 0; i < text.size; i++) {
        struct span escaped = escape(text.bytes[i]);
        if (escaped.size == 0) continue;
        put(writer, span_of(text.bytes + run, i - run));
        put(writer, escaped);
        run = i + 1;
    }
    if (run < text.size) put(writer, span_after(text, run));
}

static void put_name(struct writer *writer, struct span name)
{
    assert(writer->depth < LIMIT_XML_DEPTH); /* our own messages are flat */
    writer->open[writer->depth++] = name;
    put(writer, SPAN("<"));
    put(writer, name);
}

void writer_start(struct writer *writer, struct span name)
{
    put_name(writer, name);
    put(writer, SPAN(">"));
}

void writer_start_namespace(struct writer *writer, struct span name, struct span uri)
{
    put_name(writer, name);
    const char *colon = memchr(name.bytes, ':', name.size);
    put(writer, SPAN(" xmlns"));
    if (colon != NULL) {
        put(writer, SPAN(":"));
        put(writer, span_of(name.bytes, (size_t)(colon - name.bytes)));
    }
    put(writer, SPAN("=\""));
    put_escaped(writer, uri, escape_value);
    put(writer, SPAN("\">"));
}

void writer_start_attribute(struct writer *writer, struct span name, struct span attribute,
                            struct span value)
{
    put_name(writer, name);
    put(writer, SPAN(" "));
    put(writer, attribute);
    put(writer, SPAN("=\""));
    put_escaped(writer, value, escape_value);
    put(writer, SPAN("\">"));
}

void writer_text(struct writer *writer, struct span text)
{
    put_escaped(writer, text, escape_text);
}

void writer_raw(struct writer *writer, struct span bytes)
{
    put(writer, bytes);
}

void writer_end(struct writer *writer)
{
    assert(writer->depth > 0);
    put(writer, SPAN("</"));
    put(writer, writer->open[--writer->depth]);
    put(writer, SPAN(">"));
}

void writer_leaf(struct writer *writer, struct span name, struct span text)
{
    writer_start(writer, name);
    writer_text(writer, text);
    writer_end(writer);
}

void writer_leaf_optional(struct writer *writer, struct span name, struct span text)
{
    if (text.size > 0) writer_leaf(writer, name, text);
}

enum fault writer_finish(const struct writer *writer, struct span *written)
{
    *written = SPAN("");
    if (writer->full) return FAULT_FULL;
    *written = span_of(writer->bytes, writer->size);
    return FAULT_NONE;
}

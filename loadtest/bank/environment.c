/* environment: see environment.h. */
#include "loadtest/bank/environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void environment_path(const struct environment *environment, config_path path, const char *format,
                      ...)
{
    char name[sizeof(config_path)];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    size_t const folder_size = strnlen(environment->folder, sizeof(config_path) - 2);
    size_t const room = sizeof(config_path) - folder_size - 2;
    memcpy(path, environment->folder, folder_size);
    path[folder_size] = '/';
    (void)snprintf(path + folder_size + 1, room + 1, "%s", name);
}

/* "https://host:port", perhaps with a slash behind it; a host of IPv6 stands in brackets. */
static bool parse_url(const char *url, struct config_address *address)
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) return false;
    const char *const host = url + sizeof scheme - 1;
    const char *const colon = strrchr(host, ':');
    if (colon == NULL || colon == host) return false;
    char *end;
    unsigned long const port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || (*end != '\0' && strcmp(end, "/") != 0)) return false;
    if (port == 0 || port > UINT16_MAX) return false;

    size_t const written = (size_t)(colon - host);
    bool const bracketed = host[0] == '[' && colon[-1] == ']';
    size_t const size = bracketed ? written - 2 : written;
    if (size == 0 || size > LIMIT_HOST_BYTES) return false;
    memset(address, 0, sizeof *address);
    memcpy(address->host, bracketed ? host + 1 : host, size);
    address->port = (uint16_t)port;
    return true;
}

enum fault environment_open(struct environment *environment, const char *folder, const char *url,
                            char words[ENVIRONMENT_WORDS_BYTES])
{
    config_path file;
    memset(environment, 0, sizeof *environment);
    environment->folder = folder;
    environment_path(environment, file, "cauce.conf");
    enum fault const fault = config_load(&environment->config, file, NULL, 0, words);
    if (fault != FAULT_NONE) return fault;

    environment->address = environment->config.participants_listen;
    if (url != NULL && !parse_url(url, &environment->address)) {
        (void)snprintf(words, ENVIRONMENT_WORDS_BYTES, "%s: expected https://HOST:PORT", url);
        return FAULT_INVALID;
    }
    if (strcmp(environment->address.host, "0.0.0.0") == 0) {
        (void)snprintf(environment->address.host, sizeof environment->address.host, "127.0.0.1");
    }
    if (environment->address.port == 0) {
        (void)snprintf(words, ENVIRONMENT_WORDS_BYTES,
                       "%s: the switch takes a free port; say with --url which one", file);
        return FAULT_INVALID;
    }
    return FAULT_NONE;
}

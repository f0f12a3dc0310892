/* cauce: the companion program of the switch; this file only finds the subcommand. */
#include <stdio.h>
#include <string.h>

#include "ops/cauce/subcommand.h"

static const struct {
    const char *name;
    const char *words;
    int (*run)(int count, char **arguments);
} subcommands[] = {
#define SUBCOMMAND_ENTRY(name, words) {#name, words, name##_main},
    SUBCOMMAND_LIST(SUBCOMMAND_ENTRY)
#undef SUBCOMMAND_ENTRY
};

#define SUBCOMMAND_COUNT (sizeof subcommands / sizeof subcommands[0])

static void print_usage(FILE *out)
{
    fprintf(out, "usage: cauce SUBCOMMAND ...\n\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        fprintf(out, "  %-9s  %s\n", subcommands[i].name, subcommands[i].words);
    }
    fprintf(out, "\n`cauce SUBCOMMAND --help` says what it takes.\n");
}

int main(int count, char **arguments)
{
    if (count < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(arguments[1], "help") == 0 || strcmp(arguments[1], "--help") == 0 ||
        strcmp(arguments[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (strcmp(arguments[1], subcommands[i].name) != 0) continue;
        return subcommands[i].run(count - 1, arguments + 1);
    }
    fprintf(stderr, "cauce: there is no subcommand %s\n\n", arguments[1]);
    print_usage(stderr);
    return 2;
}

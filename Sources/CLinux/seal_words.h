// Written by scripts/seal-words.

static const char *const commands_without_program[] = {
    "diff",
    "apply",
    "discard",
    "commit",
    "export",
    "undo",
    "unpack",
    "pack",
    "plan",
    "lint",
    "doctor",
    "spec",
    "features",
    "help",
    "start",
    "state",
    "list",
    "kill",
    "delete",
    "ps",
    "pause",
    "resume",
    "update",
    "events",
    0,
};

static const char *const global_options_with_value[] = {
    "--root",
    "--log",
    "--log-format",
    "--log-level",
    "--cgroup-manager",
    "--rootless",
    0,
};

"""The `conferral` command: a module for each subcommand, each with HELP, `arguments` and `handle`."""

SUBCOMMANDS = (
    "demo",
    "serve",
    "apply",
    "preview",
    "roster",
    "preflight",
    "run",
    "due",
    "status",
    "credentials",
    "show",
    "revoke",
    "reissue",
    "resend",
    "retry",
    "learner",
    "pause",
    "resume",
    "plugins",
    "delete",
)

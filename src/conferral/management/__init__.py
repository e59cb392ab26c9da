"""The `conferral` command: a module for each subcommand, each with HELP, `arguments` and `handle`."""

SUBCOMMANDS = ("demo", "apply", "roster", "run", "credentials", "show", "plugins", "delete")

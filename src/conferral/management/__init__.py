"""The `conferral` command: a module for each subcommand, with HELP, `arguments(parser)` and `handle(options, console)`."""

SUBCOMMANDS = ("demo", "apply", "roster", "run", "credentials", "show", "plugins", "delete")

"""The built-in generators: found as installed plugins, like anybody else's."""

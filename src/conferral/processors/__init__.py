"""The built-in processors: found as installed plugins, like anybody else's."""

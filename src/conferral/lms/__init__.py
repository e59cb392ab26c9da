"""The built-in gateways."""

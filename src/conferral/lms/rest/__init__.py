"""The `rest` gateway: an LMS over HTTP, for the service beside it."""

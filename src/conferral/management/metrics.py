"""`conferral metrics`: the pipeline's figures in Prometheus' text format, for a node exporter's text file."""

from argparse import ArgumentParser
from typing import Any

from rich.console import Console

from conferral.contract import ConferralError

HELP = "Prints figures for Prometheus: runs, credentials, failures, the age of queues, durations."


def arguments(parser: ArgumentParser) -> None:
    """It has none."""


def handle(options: dict[str, Any], console: Console) -> None:
    """Prints them."""
    try:
        from conferral.issuance import metrics  # noqa: PLC0415 - an LMS need not have the library
    except ImportError:
        raise ConferralError("metrics: prometheus-client is not installed; pip install prometheus-client") from None
    console.file.write(metrics.text().decode())

"""`conferral plugins`: what is installed, and the options of each."""

import json
from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.markup import escape

from conferral import plugins

HELP = "Lists the installed processors, generators and gateways with their options."


def arguments(parser: ArgumentParser) -> None:
    """Of this subcommand."""
    parser.add_argument("--json", action="store_true", help="print an object for machines, with the options' schemas")


def handle(options: dict[str, Any], console: Console) -> None:
    """Lists them by group."""
    found = {
        "processors": [_described(plugins.PROCESSORS, name) for name in plugins.offered(plugins.PROCESSORS)],
        "generators": [_described(plugins.GENERATORS, name) for name in plugins.offered(plugins.GENERATORS)],
        "gateways": [_described(plugins.GATEWAYS, name) for name in plugins.offered(plugins.GATEWAYS)],
    }
    if options["json"]:
        console.file.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return
    for group, plugged in found.items():
        console.print(f"[bold]{group.capitalize()}[/]")
        for one in plugged:
            console.print(f"  [green]{one['name']}[/]  {escape(one['label'])}  [dim]{escape(one['package'])}[/]")
            for line in _fields(one["schema"]):
                console.print(f"      {escape(line)}")
            if one["error"]:
                console.print(f"      [yellow]– {escape(one['error'])}[/]")


def _described(group: str, name: str) -> dict[str, Any]:
    distribution = plugins.offered(group)[name].dist
    described = {
        "name": name,
        "package": f"{distribution.name} {distribution.version}" if distribution else "",
        "label": "",
        "schema": {},
        "error": "",
    }
    try:
        shape = plugins.load_class(group, name)
    except plugins.PluginError as error:
        return described | {"error": str(error)}
    told = getattr(shape, "Settings" if group == plugins.GATEWAYS else "Options", None)
    return described | {"label": shape.label, "schema": told.model_json_schema() if told else {}}


def _fields(schema: dict[str, Any]) -> list[str]:
    required = schema.get("required", ())
    return [
        f"{name}{' (required)' if name in required else ''}: {field.get('description', '')}"
        for name, field in schema.get("properties", {}).items()
    ]

"""The page for people: the document as HTML, rendered once, so that it is read without a script."""

import base64
import hashlib
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.http.description.operations import JSON
from app.http.description.problems import PROBLEMS

FOLDER = Path(__file__).parent

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A field of a body; its name begins with those of the objects it is in."""

    name: str
    type: str
    required: bool
    description: str


def render_page(document: Tree) -> tuple[str, str]:
    """The page, and the Content-Security-Policy under which it may style and run what it holds and load nothing."""
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    page = (
        _environment(document)
        .get_template("page.html")
        .render(
            document=document,
            sections=list(_sections(document)),
            problems=PROBLEMS,
            style=Markup(style),  # noqa: S704 - a file of ours, as the next
            script=Markup(script),  # noqa: S704
        )
    )
    return page, policy


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _sections(document: Tree) -> Iterator[Tree]:
    """Each tag with its operations; what we send counts as an operation of the method "event"."""
    operations = [
        (path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    operations += [("webhookUrl", "event", item["post"]) for item in document["webhooks"].values()]
    for tag in document["tags"]:
        yield {
            **tag,
            "id": tag["name"].lower(),
            "operations": [found for found in operations if tag["name"] in found[2]["tags"]],
        }


def _environment(document: Tree) -> Environment:
    markdown = MarkdownIt()
    resolve = _resolver(document)
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "resolve": resolve,
        "markdown": lambda text: Markup(markdown.render(text)),  # noqa: S704 - our own texts, as the next
        "inline": lambda text: Markup(markdown.renderInline(text or "")),  # noqa: S704
        "pretty": lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2),
        "rows": lambda schema: list(_rows(schema, resolve)),
        "curl": lambda operation, path, method: _curl(operation, path, method, resolve),
    }
    return environment


def _resolver(document: Tree) -> Callable[[Tree], Tree]:
    """A function that returns what a reference refers to, and anything else as it is."""

    def resolve(item: Tree) -> Tree:
        if "$ref" not in item:
            return item
        found = document
        for name in item["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found

    return resolve


def _rows(schema: Tree, resolve: Callable[[Tree], Tree], above: str = "") -> Iterator[Row]:
    """The fields of a body, those of an object in it right after it; of several possible bodies the first's."""
    schema = resolve(schema)
    if "anyOf" in schema:
        yield from _rows(schema["anyOf"][0], resolve, above)
    elif "items" in schema:
        yield from _rows(schema["items"], resolve, f"{above}[]")
    for name, given in schema.get("properties", {}).items():
        field, whole = resolve(given), f"{above}.{name}" if above else name
        yield Row(whole, _type(field), name in schema.get("required", []), given.get("description", ""))
        yield from _rows(field, resolve, whole)


def _type(schema: Tree) -> str:
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    types = schema.get("type", "object" if "anyOf" in schema else "any")
    text = types if isinstance(types, str) else " | ".join(types)
    return f"{text} ({schema['format']})" if "format" in schema else text


def _curl(operation: Tree, path: str, method: str, resolve: Callable[[Tree], Tree]) -> str:
    """A command that calls it with the examples of the document."""
    parameters = [resolve(parameter) for parameter in operation["parameters"]]
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    query = "&".join(f"{p['name']}={quote(_query_example(p))}" for p in parameters if p["in"] == "query")
    lines = [f'curl "$API{path}{f"?{query}" if query else ""}"']
    if "security" not in operation:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if body := operation.get("requestBody"):
        example = next(iter(body["content"][JSON]["examples"].values()))["value"]
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(example))}"]
    elif method == "post":
        lines.append("-X POST")
    return " \\\n  ".join(lines)


def _query_example(parameter: Tree) -> str:
    if "content" in parameter:
        return json.dumps(parameter["content"][JSON]["example"])
    return str(parameter["schema"]["enum"][0])

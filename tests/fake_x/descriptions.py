"""X's published API descriptions, as judges of every request.

They lie beside the checkout (`../shared/x-openapi`) and are never part of it.
Both are OpenAPI 3.0, whose schemas are read here as JSON Schema draft 4.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.fake_x.endpoints import Endpoint

PLACE = Path(__file__).resolve().parents[3] / "shared" / "x-openapi"
#: 2.166 says `tweet.*`, 2.167 says `post.*`.
VERSIONS = ("2.166", "2.167")

ABSENT = (
    f"SKIPPED: X's published API descriptions {' and '.join(VERSIONS)} are not in "
    f"../{PLACE.parent.name}/{PLACE.name}; requests are checked by the fake's own rules only."
)


@dataclass(frozen=True, slots=True)
class _Parameter:
    required: bool
    kind: str
    validator: Any


class Description:
    """One version: what it holds against a query or a body, as sentences."""

    def __init__(self, version: str, document: Mapping[str, Any]) -> None:
        self.version = version
        self._document = document
        self._name = f"urn:x-openapi:{version}"
        resource = DRAFT4.create_resource(document)
        self._registry: Any = Registry().with_resource(self._name, resource)
        known = set(document["paths"])
        described = [e for e in Endpoint if e.path in known]
        self._queries = {e: dict(self._parameters(e)) for e in described}
        self._bodies = {e: found for e in described if (found := self._body(e)) is not None}

    @classmethod
    def at(cls, place: Path, version: str) -> Self | None:
        file = place / f"openapi-{version}.json"
        if not file.is_file():
            return None
        return cls(version, json.loads(file.read_text(encoding="utf-8")))

    def against_query(self, endpoint: Endpoint, query: Mapping[str, str]) -> list[str]:
        known = self._queries.get(endpoint)
        if known is None:
            return []
        wrong = [f"{self.version} knows no {name}" for name in query if name not in known]
        wrong += [
            f"{self.version} requires {name}"
            for name, parameter in known.items()
            if parameter.required and name not in query
        ]
        for name, value in query.items():
            if name in known:
                wrong += self._errors(known[name].validator, _typed(value, known[name].kind), name)
        return wrong

    def against_body(self, endpoint: Endpoint, body: object) -> list[str]:
        validator = self._bodies.get(endpoint)
        return self._errors(validator, body, "body") if validator is not None else []

    def _errors(self, validator: Any, value: object, where: str) -> list[str]:
        return [
            f"{self.version}: {where} {'/'.join(map(str, error.path))}: {error.message[:200]}"
            for error in validator.iter_errors(value)
        ]

    def _parameters(self, endpoint: Endpoint) -> Iterator[tuple[str, _Parameter]]:
        operation = self._document["paths"][endpoint.path][endpoint.method.lower()]
        for entry in operation.get("parameters", []):
            parameter, pointer = self._resolved(entry)
            if parameter["in"] != "query":
                continue
            schema = parameter["schema"] if pointer is None else {"$ref": f"{pointer}/schema"}
            kind = self._kind(parameter["schema"])
            required = bool(parameter.get("required"))
            yield parameter["name"], _Parameter(required, kind, self._validator(schema))

    def _body(self, endpoint: Endpoint) -> Any:
        operation = self._document["paths"][endpoint.path][endpoint.method.lower()]
        content = operation.get("requestBody", {}).get("content", {})
        kinds = [kind for kind in ("multipart/form-data", "application/json") if kind in content]
        return self._validator(content[kinds[0]]["schema"]) if kinds else None

    def _resolved(self, entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
        if "$ref" not in entry:
            return entry, None
        found: Any = self._document
        for step in entry["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found, entry["$ref"]

    def _kind(self, schema: Mapping[str, Any]) -> str:
        return str(self._resolved(schema)[0].get("type", "string"))

    def _validator(self, schema: Mapping[str, Any]) -> Any:
        return jsonschema.Draft4Validator(_anchored(schema, self._name), registry=self._registry)


def at_hand(place: Path = PLACE) -> bool:
    return all((place / f"openapi-{version}.json").is_file() for version in VERSIONS)


@functools.cache
def load(place: Path = PLACE) -> Sequence[Description]:
    """Both descriptions, or none where they are not at hand; read once, they take a while."""
    found = [Description.at(place, version) for version in VERSIONS]
    return tuple(one for one in found if one is not None)


def _anchored(value: Any, name: str) -> Any:
    """The schema with its references made absolute, so that it can stand alone."""
    if isinstance(value, Mapping):
        return {
            key: f"{name}{inner}" if key == "$ref" else _anchored(inner, name)
            for key, inner in value.items()
        }
    return [_anchored(inner, name) for inner in value] if isinstance(value, list) else value


def _typed(value: str, kind: str) -> object:
    """A query's value as the schema's type: lists are separated by commas."""
    if kind == "array":
        return value.split(",")
    if kind == "integer":
        return int(value) if value.lstrip("-").isdigit() else value
    return value

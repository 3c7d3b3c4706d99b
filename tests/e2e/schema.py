# SPDX-License-Identifier: Apache-2.0
"""A validator for the subset of JSON Schema draft 4 that the published schemas use, written independently of the host's. A
keyword that it does not know is an error, so that nothing passes unread.
"""
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
IGNORED = {"$schema", "title", "description", "id", "definitions", "default"}


class Invalid(Exception):
    pass


def is_type(value, name):
    if name in ("integer", "number"):
        kinds = int if name == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def resolve(root, reference):
    if not reference.startswith("#/"):
        raise Invalid(f"$ref {reference} is not local")
    node = root
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def passes(value, schema, root):
    try:
        check(value, schema, root, "")
    except Invalid:
        return False
    return True


def check_object(value, schema, root, where):
    for name in schema.get("required", ()):
        if name not in value:
            raise Invalid(f"{where}: {name} is missing")
    properties = schema.get("properties", {})
    for name, member in value.items():
        if name in properties:
            check(member, properties[name], root, f"{where}/{name}")
        elif schema.get("additionalProperties", True) is False:
            raise Invalid(f"{where}: unknown member {name}")
        elif isinstance(schema.get("additionalProperties"), dict):
            check(member, schema["additionalProperties"], root, f"{where}/{name}")


LIMITS = {
    "minLength": lambda v, n: not isinstance(v, str) or len(v) >= n,
    "maxLength": lambda v, n: not isinstance(v, str) or len(v) <= n,
    "minItems": lambda v, n: not isinstance(v, list) or len(v) >= n,
    "maxItems": lambda v, n: not isinstance(v, list) or len(v) <= n,
    "minProperties": lambda v, n: not isinstance(v, dict) or len(v) >= n,
    "maxProperties": lambda v, n: not isinstance(v, dict) or len(v) <= n,
    "minimum": lambda v, n: not is_type(v, "number") or v >= n,
    "maximum": lambda v, n: not is_type(v, "number") or v <= n,
    "pattern": lambda v, n: not isinstance(v, str) or re.search(n, v) is not None,
    "uniqueItems": lambda v, n: not (n and isinstance(v, list)) or len({repr(i) for i in v}) == len(v),
    "enum": lambda v, n: v in n,
    "type": lambda v, n: any(is_type(v, name) for name in ([n] if isinstance(n, str) else n)),
}


def check(value, schema, root=None, where=""):
    """Raises Invalid when `value` does not fit."""
    root = schema if root is None else root
    if "$ref" in schema:
        check(value, resolve(root, schema["$ref"]), root, where)
        return
    for keyword, operand in schema.items():
        if keyword in LIMITS:
            if not LIMITS[keyword](value, operand):
                raise Invalid(f"{where or '/'}: {value!r:.200} does not fit {keyword} {operand!r:.200}")
        elif keyword in ("anyOf", "oneOf"):
            count = sum(passes(value, option, root) for option in operand)
            if count == 0 or (keyword == "oneOf" and count != 1):
                raise Invalid(f"{where}: {count} of {keyword} fit")
        elif keyword == "allOf":
            for option in operand:
                check(value, option, root, where)
        elif keyword == "not":
            if passes(value, operand, root):
                raise Invalid(f"{where}: fits what it must not")
        elif keyword == "items":
            for index, item in enumerate(value if isinstance(value, list) else ()):
                check(item, operand, root, f"{where}/{index}")
        elif keyword not in IGNORED and keyword not in ("required", "properties", "additionalProperties"):
            raise Invalid(f"{where}: the validator does not know the keyword {keyword}")
    if isinstance(value, dict):
        check_object(value, schema, root, where)

"""How a method's arguments and result travel: as JSON, in the form that its signature gives them."""

import inspect
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

from golf.errors import shown
from jobs.store import Store

_LISTED = (Collection, Iterable)
"""Parameters of these travel as lists: pydantic knows no form of the one, and reads the other only once."""


class Signature:
    """Of one method: it is the same on both sides."""

    def __init__(self, name: str) -> None:
        method = getattr(Store, name)
        signature, hints = inspect.signature(method), get_type_hints(method)
        self._signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        self._listed = {name for name, hint in hints.items() if _is_listed(hint)}
        """Parameters that may be given any collection, a mapping for its keys too."""
        accepted: dict[str, Any] = {
            parameter.name: (_form_of(hints[parameter.name]), _default_of(parameter))
            for parameter in self._signature.parameters.values()
        }
        title = "".join(word.capitalize() for word in name.split("_"))
        self.arguments: type[BaseModel] = create_model(
            f"{title}Arguments", __config__=ConfigDict(extra="forbid"), **accepted
        )
        """Reads what a request holds."""
        self.result_type: Any = hints["return"]
        self._result: TypeAdapter[Any] = TypeAdapter(self.result_type)

    def write_arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """The arguments of a call as JSON; those that are not given have their defaults there, too."""
        bound = self._signature.bind(*args, **kwargs).arguments
        return write(
            {
                name: list(value) if name in self._listed and value is not None else value
                for name, value in bound.items()
            }
        )

    def read_result(self, content: bytes) -> Any:
        """What a method returned, from its JSON.

        Raises:
            ValueError: it is of another form.
        """
        return self._result.validate_python(json.loads(content))


@cache
def signature_of(name: str) -> Signature:
    """The signature of a method of the store."""
    return Signature(name)


def write(value: Any) -> bytes:
    """Plain data, records and sets of them as JSON. Numbers that are not finite are written as Python does it."""
    return json.dumps(_plain(value), separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.init}
    if isinstance(value, Mapping):
        if strange := [key for key in value if isinstance(key, bool) or not isinstance(key, str | int)]:
            raise TypeError(f"{shown(strange[0])}: a key that JSON cannot have")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__}: cannot travel as JSON")


def _form_of(hint: Any) -> Any:
    """The type by which an argument is read."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_form_of(part) for part in inner)]  # noqa: UP007  made of types that are known only here
    return list[inner] if origin in _LISTED else hint  # type: ignore[valid-type]


def _is_listed(hint: Any) -> bool:
    return get_origin(hint) in _LISTED or any(get_origin(part) in _LISTED for part in get_args(hint))


def _default_of(parameter: inspect.Parameter) -> Any:
    """What pydantic reads for an argument that is not given: `...` where it must be."""
    if parameter.default is inspect.Parameter.empty:
        return ...
    return dict(parameter.default) if isinstance(parameter.default, Mapping) else parameter.default

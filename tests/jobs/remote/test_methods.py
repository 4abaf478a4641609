"""The table of methods that travel: it is complete, and each arrives as it was sent."""

import inspect
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.remote.methods import ADMIN_WRITES, METHODS, NOT_REMOTE, READS
from jobs.remote.signatures import signature_of, write
from jobs.remote.store import RemoteStore
from jobs.state import Scope
from jobs.store import Store

BY_THEMSELVES = {"open", "empty", "acting_as", "close", "is_read_only"}
"""How a store is opened, held and closed."""


def test_every_public_method_of_the_store_is_in_the_table_or_has_a_reason() -> None:
    public = {name for name in dir(Store) if not name.startswith("_")} - BY_THEMSELVES
    assert public == METHODS.keys() | NOT_REMOTE.keys()
    assert not METHODS.keys() & NOT_REMOTE.keys()
    assert {
        name for name in public if not isinstance(inspect.getattr_static(RemoteStore, name), type(lambda: 0))
    } == set()


def test_what_changes_something_needs_more_than_reading() -> None:
    source = {name: inspect.getsource(getattr(Store, name)) for name in METHODS}
    writes = {name for name, text in source.items() if "self._write()" in text or "self._start_attempt" in text}
    assert writes == {name for name, method in METHODS.items() if method.scope == Scope.SUBMIT} | set(ADMIN_WRITES)
    assert all(METHODS[name].scope == Scope.READ for name in READS)
    assert {name for name, method in METHODS.items() if method.scope == Scope.ADMIN} == {
        *ADMIN_WRITES, "tokens", "webhooks",
    }  # fmt: skip


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as it stands in a signature."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return PLAIN
    if hint in (None, NoneType):
        return st.none()
    if origin in (Union, UnionType):
        return st.one_of(*map(values_of, inner))
    if origin in (Mapping, dict):
        return st.dictionaries(values_of(inner[0]), values_of(inner[1]), max_size=2)
    if origin is tuple:
        if inner[-1] is ...:
            return st.lists(values_of(inner[0]), max_size=2).map(tuple)
        return st.tuples(*map(values_of, inner))
    if origin is set:
        return st.sets(values_of(inner[0]), max_size=2)
    if origin in (list, Sequence, Collection, Iterable):
        return st.lists(values_of(inner[0]), max_size=2)
    if hint is float:
        return st.floats(allow_nan=False)
    if hint is str:
        return st.text(max_size=5)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: values_of(hints[field.name]) for field in fields(hint) if field.init})
    return st.from_type(hint)


FEW = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", METHODS)
def test_a_call_arrives_with_the_same_arguments_and_returns_the_same(name: str) -> None:
    method, signature = getattr(Store, name), signature_of(name)
    hints = get_type_hints(method)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    arguments = st.fixed_dictionaries(
        {each.name: values_of(hints[each.name]) for each in parameters if each.default is each.empty},
        optional={each.name: values_of(hints[each.name]) for each in parameters if each.default is not each.empty},
    )

    @FEW
    @given(sent=arguments, result=values_of(hints["return"]))
    def check(sent: dict[str, Any], result: Any) -> None:
        read = signature.arguments.model_validate(json.loads(signature.write_arguments((), sent)))
        assert {field: getattr(read, field) for field in read.model_fields_set} == sent
        returned = signature.read_result(write(result))
        assert returned == result and type(returned) is type(result)

    check()


def test_sets_generators_and_infinity_travel() -> None:
    signature = signature_of("claim")
    sent = signature.write_arguments(("me", 3), {"slots": float("inf"), "without": {"a": "why"}, "widths": (1, 2)})
    assert json.loads(sent) == {
        "scheduler": "me", "limit": 3, "slots": float("inf"), "without": ["a"], "widths": [1, 2]
    }  # fmt: skip
    assert json.loads(signature_of("jobs").write_arguments((), {"states": (state for state in ["done"])})) == {
        "states": ["done"]
    }


@pytest.mark.parametrize("value", [{None: 1}, {(1, 2): 3}, {"a": object()}, b"bytes", {"a": {True: 1}}])
def test_what_json_would_change_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        write(value)

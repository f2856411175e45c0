"""Components described as plain dicts: `{"class_path": ..., "init_args": {...}}`, nested.

A component (codec, backbone, head, model) keeps every constructor argument as an attribute of the same
name, as scikit-learn's estimators do. So one function describes any of them, whoever built it, and one
function builds it again. The description is made of dicts, lists, strings, numbers and tensors: it goes
into YAML and loads under `torch.load(weights_only=True)`.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
import torch

from tsrnn.errors import CheckpointError, ConfigError

Description = dict[str, Any]
_ROOMS = tuple(
    f"tsrnn.{room}"
    for room in (
        *("backbones", "codecs", "conditioning", "embeddings", "encoders", "heads"),
        *("models", "training", "estimator"),
    )
)
_T = TypeVar("_T")


def class_path(component_class: type) -> str:
    """The import path of a class, as short as a package exports it: tsrnn.backbones.LSTM."""
    module, name = component_class.__module__, component_class.__qualname__
    package = module.rpartition(".")[0]
    while package not in ("", "tsrnn"):
        if getattr(sys.modules.get(package), name, None) is component_class:
            module = package
        package = package.rpartition(".")[0]
    return f"{module}.{name}"


def describe(component: Any) -> Description:
    """The plain dict from which `build` makes the same component again.

    Raises:
        ConfigError: if a constructor argument is not kept as an attribute, or is not plain.
    """
    name = type(component).__name__
    arguments = {}
    for argument, parameter in inspect.signature(type(component)).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(f"{name} takes *{argument}: a component names each of its arguments")
        if not hasattr(component, argument):
            raise ConfigError(
                f"{name} does not keep its argument {argument!r} as an attribute of that name, "
                "so a checkpoint could not build it again"
            )
        arguments[argument] = _plain(getattr(component, argument), f"{name}.{argument}")
    return {"class_path": class_path(type(component)), "init_args": arguments}


def _plain(value: Any, place: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str | torch.Tensor):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, place) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, place) for key, item in value.items()}
    if hasattr(value, "__dict__") and not inspect.isroutine(value) and not inspect.isclass(value):
        return describe(value)
    raise ConfigError(
        f"{place} is a {type(value).__name__}, which a checkpoint cannot hold: give plain values"
    )


def build(description: Description, base: type[_T], modules: Iterable[str] = ()) -> _T:
    """The component that a description describes.

    A description may come from a file of unknown origin. So a class outside tsrnn is used only if its
    module is imported already or is named in `modules`, and only if it is a subclass of `base`.

    Args:
        description: the dict that `describe` returned.
        base: the class that the component must be an instance of.
        modules: names of the modules, outside tsrnn, that may be imported.

    Raises:
        CheckpointError: if the class cannot be found or may not be used, or refuses its arguments.
    """
    path = description["class_path"]
    component_class = find_class(path, base, modules)
    arguments = {}
    for name, value in description["init_args"].items():
        if isinstance(value, dict) and set(value) == {"class_path", "init_args"}:
            value = build(value, Component, modules)
        arguments[name] = value
    try:
        return component_class(**arguments)
    except TypeError as error:
        raise CheckpointError(f"{path}: {error}") from error


class _ComponentKind(type):
    def __subclasscheck__(cls, subclass: type) -> bool:
        return any(getattr(ancestor, "is_component", False) for ancestor in subclass.__mro__)


class Component(metaclass=_ComponentKind):
    """Whatever may be nested in a description: a class that says so by `is_component = True`."""


def find_class(path: str, base: type[_T], modules: Iterable[str] = ()) -> type[_T]:
    """The class of an import path, under the rules of `build`."""
    module_name, _, name = path.rpartition(".")
    own = ".".join(module_name.split(".")[:2]) in _ROOMS
    if not own and module_name not in sys.modules and module_name not in tuple(modules):
        raise CheckpointError(
            f"the checkpoint uses {path}, which is not part of tsrnn: import {module_name} first "
            f'(load(..., modules=["{module_name}"]), or --import {module_name} on the command line)'
        )
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(f"the checkpoint uses {path}, which cannot be imported: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, base)):
        raise CheckpointError(f"{path} is not a {base.__name__}")
    return found

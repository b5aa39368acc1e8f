"""Types of pydantic fields in words."""

from __future__ import annotations

import types
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from spark_jobs.contracts.domain import Expression

_WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number", Path: "path", type(None): "null"}
_WORDS |= {date: "date", datetime: "time"}


def type_text(annotation: Any) -> str:
    """The type as people say it."""
    if annotation == Expression:
        return "expression"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_text(part) for part in arguments))
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {type_text(arguments[0])}"
    if origin is dict:
        return f"mapping of {type_text(arguments[0])} to {type_text(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping (below)"
    return _WORDS[annotation]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Models that the type consists of, in order."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]

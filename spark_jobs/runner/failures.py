"""Failures in words: what a person needs to know of them, what to do, and whether trying again may help."""

from __future__ import annotations

import logging
import pydoc
import re
from dataclasses import dataclass
from subprocess import TimeoutExpired
from typing import Any

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.accumulators import AccumulatorTCPServer
from pyspark.sql import SparkSession

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.spark import HEAP_EXHAUSTED, NO_MEMORY, WORKER_ENDED, jvm_death

# Once the JVM is gone every call of it is logged with its trace, of threads that nobody waits for as well.
logging.getLogger("py4j").setLevel(logging.CRITICAL)
AccumulatorTCPServer.handle_error = lambda *_: None  # type: ignore[method-assign]
# Outside the heap: Python's, NumPy's and Arrow's in a worker, Arrow's and Netty's in the JVM.
_NO_MEMORY = re.compile(r"(?:\w*MemoryError|arrow\.memory\.OutOfMemoryException|OutOfDirectMemoryError)\b.*")


BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError)
"""Errors of Python itself that nobody foresaw: whoever meets one needs the traceback, and we need the report."""


@dataclass(frozen=True)
class Failure:
    """Why a job failed, without stack traces."""

    message: str
    retry: bool
    """Whether the same job may succeed later although nobody changes anything."""
    bug: bool = False
    """Whether it is a bug of ours, so that its traceback matters."""


def describe_failure(error: BaseException, spark: SparkSession | None, settings: Settings) -> Failure:
    """What an error comes to; of a dead JVM or worker what it died of, and the remedy."""
    if isinstance(error, NightjarError):
        return Failure(str(error), error.retry)
    if remedy := _died(error, spark, settings):
        return Failure(remedy, retry=True)
    text = str(error).split("\n\tat ")[0].split("JVM stacktrace")[0].strip()
    if raised := _raised_in_worker(text):
        return raised
    if isinstance(error, BUGS):
        return Failure(f"{type(error).__name__}: {text}", retry=True, bug=True)
    return Failure(text or type(error).__name__, retry=True)


def _died(error: BaseException, spark: SparkSession | None, settings: Settings) -> str | None:
    """What a process that is gone died of; None where none is."""
    text = str(error)
    if "OutOfMemoryError" in text:
        return HEAP_EXHAUSTED.format(settings.driver_memory)
    if "Python worker exited unexpectedly" in text:
        return WORKER_ENDED
    if no_memory := _NO_MEMORY.search(text):
        return NO_MEMORY.format(no_memory.group().strip().rstrip("."))
    return jvm_death(_exit_code(spark), settings) if _jvm_is_gone(error) else None


def _raised_in_worker(text: str) -> Failure | None:
    """The error that a Python worker's traceback ends with; None where there is none.

    It crosses from the worker to the driver as text, so its class is found by its name.
    """
    *_, last_frame = re.split(r'^  File ".*\n', text, flags=re.MULTILINE)
    match = re.search(r"^([\w.]+): (.*)", last_frame, flags=re.MULTILINE | re.DOTALL)
    if "Traceback (most recent call last)" not in text or match is None:
        return None
    name, message = match.group(1), match.group(2).strip()
    kind = pydoc.locate(name)
    if isinstance(kind, type) and issubclass(kind, NightjarError):
        return Failure(message, kind.retry)
    bug = isinstance(kind, type) and issubclass(kind, BUGS)
    return Failure(f"{name.rpartition('.')[2]}: {message}", retry=True, bug=bug)


def _jvm_is_gone(error: BaseException) -> bool:
    broken = isinstance(error, Py4JNetworkError | ConnectionError)
    return broken or (isinstance(error, Py4JError) and "Answer from Java side is empty" in str(error))


def _exit_code(spark: SparkSession | None) -> int | None:
    """How the JVM ended; None where another process started it."""
    process: Any = getattr(spark.sparkContext._gateway, "proc", None) if spark else None
    try:
        return int(process.wait(timeout=5)) if process else None
    except TimeoutExpired:
        return None

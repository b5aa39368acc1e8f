"""Failures in words: what a person needs to know of them, and what to do."""

from __future__ import annotations

import logging
import re
from subprocess import TimeoutExpired
from typing import Any

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.accumulators import AccumulatorTCPServer
from pyspark.sql import SparkSession

from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.spark import HEAP_EXHAUSTED, JVM_ENDED, KILLED, NO_MEMORY, WORKER_ENDED

# Once the JVM is gone every call of it is logged with its trace, of threads that nobody waits for as well.
logging.getLogger("py4j").setLevel(logging.CRITICAL)
AccumulatorTCPServer.handle_error = lambda *_: None  # type: ignore[method-assign]
_OUT_OF_MEMORY_EXIT, _KILLED_EXIT = 3, -9
# Outside the heap: Python's, NumPy's and Arrow's in a worker, Arrow's and Netty's in the JVM.
_NO_MEMORY = re.compile(r"(?:\w*MemoryError|arrow\.memory\.OutOfMemoryException|OutOfDirectMemoryError)\b.*")


def sentence(error: BaseException, spark: SparkSession, settings: Settings) -> str:
    """The message of an error without stack traces; of a dead JVM or worker what it died of, and the remedy."""
    text = str(error)
    if "OutOfMemoryError" in text:
        return HEAP_EXHAUSTED.format(settings.driver_memory)
    if "Python worker exited unexpectedly" in text:
        return WORKER_ENDED
    if refused := _NO_MEMORY.search(text):
        return NO_MEMORY.format(refused.group().strip().rstrip("."))
    if _jvm_is_gone(error):
        how = _exit_code(spark)
        told = {_OUT_OF_MEMORY_EXIT: HEAP_EXHAUSTED.format(settings.driver_memory), _KILLED_EXIT: KILLED}
        return told.get(how, JVM_ENDED) if how is not None else JVM_ENDED
    first = text.split("\n\tat ")[0].split("JVM stacktrace")[0].strip()
    return _raised_in_worker(first) or first or type(error).__name__


def _raised_in_worker(text: str) -> str | None:
    """The error that a Python worker's traceback ends with, ours without its class; None where there is none."""
    *_, last_frame = re.split(r'^  File ".*\n', text, flags=re.MULTILINE)
    found = re.search(r"^([\w.]+): (.*)", last_frame, flags=re.MULTILINE | re.DOTALL)
    if "Traceback (most recent call last)" not in text or found is None:
        return None
    kind, message = found.group(1), found.group(2).strip()
    return message if kind.startswith("spark_jobs.") else f"{kind.rpartition('.')[2]}: {message}"


def _jvm_is_gone(error: BaseException) -> bool:
    broken = isinstance(error, Py4JNetworkError | ConnectionError)
    return broken or (isinstance(error, Py4JError) and "Answer from Java side is empty" in str(error))


def _exit_code(spark: SparkSession) -> int | None:
    """How the JVM ended; None where another process started it."""
    process: Any = getattr(spark.sparkContext._gateway, "proc", None)
    try:
        return int(process.wait(timeout=5)) if process else None
    except TimeoutExpired:
        return None

"""The domain file: one YAML file in `conf/` that describes one shop, catalogue or tenant.

Each contract column is a Spark SQL expression over the source's columns. Whatever the file format,
every source column arrives as a string (nested values as JSON text), so use `try_cast` and
`try_to_timestamp` where a value may be malformed: NULLs in required columns go to quarantine.
"""

from __future__ import annotations

from spark_jobs.contracts.domain.domain import Domain
from spark_jobs.contracts.domain.files import DomainFileError, domain_files, find_domain, load_domain
from spark_jobs.contracts.domain.inputs import (
    CsvFormat,
    DerivedItems,
    Expression,
    Format,
    Interactions,
    ItemColumns,
    ItemFiles,
    Users,
)

__all__ = [
    "CsvFormat",
    "DerivedItems",
    "Domain",
    "DomainFileError",
    "Expression",
    "Format",
    "Interactions",
    "ItemColumns",
    "ItemFiles",
    "Users",
    "domain_files",
    "find_domain",
    "load_domain",
]

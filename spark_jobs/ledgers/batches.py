"""`ops.batches`: what became of every batch, each time it was cleaned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from spark_jobs.contracts.domain import Domain
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, latest_of_each

TABLE = "ops.batches"


@dataclass(frozen=True)
class BatchOutcome:
    """One row: received = kept + quarantined + duplicates + left out, unless the batch was refused."""

    table: str
    """Whose silver table it became: interactions, items or users."""
    batch_id: str
    received: int
    kept: int
    quarantined: int
    duplicates: int
    left_out: int
    """Records that the input's `where` does not take."""
    digest: str
    """Digest of the part of the domain file that it was cleaned by."""
    refused: str | None = None
    """Why nothing of it was taken into silver."""

    @property
    def adds_up(self) -> bool:
        """Whether no record went missing."""
        return self.received == self.kept + self.quarantined + self.duplicates + self.left_out


def record(context: RunContext, outcomes: Sequence[BatchOutcome]) -> None:
    """Record outcomes, in one commit."""
    context.record(TABLE, [asdict(outcome) for outcome in outcomes])


def latest(lakehouse: Lakehouse, silver: str) -> dict[str, Row]:
    """Every batch's latest row, of the batches of one silver table."""
    found = latest_of_each(lakehouse, TABLE, ("batch_id",), f'"table" = {literal(silver)}')
    return {row["batch_id"]: row for row in found}


def cleaned_by(lakehouse: Lakehouse, silver: str) -> dict[str, str | None]:
    """Every batch in silver, with the digest of the domain file's part that it was cleaned by."""
    return {batch: row["digest"] for batch, row in latest(lakehouse, silver).items() if row["refused"] is None}


def cleaned_otherwise(cleaned: Mapping[str, str | None], domain: Domain, silver: str) -> set[str]:
    """The batches that the domain file as it is would clean otherwise than they were."""
    return {batch for batch, digest in cleaned.items() if digest != domain.cleaning_digest(silver)}

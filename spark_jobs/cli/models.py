"""`nightjar models`: what leaves the registry, for people who serve a ranker themselves."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from spark_jobs.cli.listing import print_json, print_table
from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings

README = """# {name}, version {version}

A ranker of the domain `{domain}`, trained for the night of {run_date}, as ONNX. It scores candidates: of one user's
items the larger score goes first; scores of different users can't be compared.

- `ranker.onnx`: one input `features` (rows × {count}, float32, NaN where a value is missing, never infinite), one
  output (rows × 1, float32). {facts}. On {rows} candidates it gave the same scores as the
  native model within {difference}, and the same first ten in {same} of the lists.
- `features.json`: the columns of the input, in order, with their meaning.

```python
import json

import numpy as np
import onnxruntime

features = [feature["name"] for feature in json.load(open("features.json"))]
ranker = onnxruntime.InferenceSession("ranker.onnx")


def scores(rows):
    \"\"\"Scores of rows (a pandas DataFrame with the features as columns).\"\"\"
    values = np.ascontiguousarray(rows[features].to_numpy(dtype=np.float32))
    return ranker.run(None, {{"features": values}})[0].ravel()
```
"""


FORMATS = {"version": "", "run_date": "", "ndcg_at_10": ".4f", "aliases": "", "verdict": ""}


def show(settings: Settings, domain_name: str, limit: int, console: Console, *, json: bool = False) -> None:
    """Print the latest versions with quality, aliases and the verdict on each."""
    from spark_jobs.views.models import version_rows

    rows = version_rows(settings, find_domain(settings.conf_dir, domain_name), limit)
    if json:
        print_json(rows)
    else:
        print_table(console, rows, FORMATS)


class ExportError(NightjarError):
    """A model can't be written where it was asked for; the message says why."""


def export(settings: Settings, domain_name: str, number: str, folder: Path) -> Path:
    """Write model, features and README into the folder, and return it; raises ExportError for a folder in use."""
    from spark_jobs.recommender.features.vocabulary import FEATURES
    from spark_jobs.registry.model_registry import ModelRegistry

    domain = find_domain(settings.conf_dir, domain_name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"{folder} is there already and not an empty folder; give a new one.")
    registry = ModelRegistry(settings, domain)
    model = registry.load_onnx(number)
    version = registry.describe(number)
    names = json.loads(next(prop.value for prop in model.metadata_props if prop.key == "features"))
    descriptions = {feature.name: feature.description for feature in FEATURES}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ranker.onnx").write_bytes(model.SerializeToString())
    listed = [{"name": name, "meaning": descriptions.get(name, "")} for name in names]
    (folder / "features.json").write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
    tags, metrics = version.tags, version.metrics
    text = README.format(
        name=domain.model_name,
        version=number,
        domain=domain.domain,
        run_date=tags["run_date"],
        count=len(names),
        facts=f"Operators: {tags['onnx_opset']}; tried with onnxruntime {tags['onnx_runtime']}",
        rows=f"{metrics['onnx_rows']:,.0f}",
        difference=f"{metrics['onnx_max_difference']:.1g}",
        same=f"{metrics['onnx_same_top_10']:.2%}",
    )
    (folder / "README.md").write_text(text)
    return folder

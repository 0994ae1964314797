"""What a configuration can say of tracking: where a run's figures go besides its own directory."""

from __future__ import annotations

from pydantic import Field

from tfxfer.config.section import Name, Section, Text

TRACKERS = ("csv", "tensorboard", "mlflow")


class TrackingConfig(Section):
    """Nothing, unless it is asked for; or a name, or a list of names."""

    csv: bool = Field(default=False, description="history.csv in the run directory: one row an epoch")
    tensorboard: bool = Field(
        default=False,
        description="event files in the run directory's tensorboard/; needs the extra tensorboard",
    )
    mlflow: bool | Text = Field(
        default=False,
        description="figures, configuration and bundle; true: mlflow.db beside the run directory, or a "
        "server's address; needs the extra mlflow",
    )
    experiment: Name = Field(default="tfxfer", description="MLflow's experiment")

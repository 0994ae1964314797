"""What a configuration can say: one model per section, frozen, strict, and closed to unknown keys.

A `None` means "not given". Only keys whose feature exists are here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from tfxfer.catalogue.ladder import OnFailure
from tfxfer.catalogue.pixels import Pixels, parse_pixels
from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.catalogue.write_options import Granularity, InputDtype, OutputDtype
from tfxfer.config.bundle_schema import BundleConfig
from tfxfer.config.decision_schema import DecisionConfig
from tfxfer.config.section import Fraction, Name, Section, Share, Text
from tfxfer.config.tracking_schema import TrackingConfig
from tfxfer.config.training_schema import TrainingConfig
from tfxfer.config.until import check_until

FormatName = Literal["saved_model", "litert", "onnx", "keras", "openvino"]
PrecisionName = Literal[
    "float32",
    "float16",
    "int8",
    "mixed_int8",
    "int16x8",
    "dynamic_int8",
    "weight_only_int8",
    "weight_only_int4",
    "smallest",
    "fastest",
]


def _pixels(value: object) -> Pixels:
    if isinstance(value, Pixels):
        return value
    if isinstance(value, str | dict):
        return parse_pixels(value)
    return parse_pixels(repr(value))  # refuses, naming the usual answers


def _scalar(value: object) -> bool | int | float | str:
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError("must be a number, text, true or false")


Scalar = Annotated[
    bool | int | float | str,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["boolean", "number", "string"]}),
]

_NUMBERS = {
    "anyOf": [
        {"type": "number"},
        {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
    ]
}
_PIXELS_SCHEMA = {
    "anyOf": [
        {"enum": ["[0,1]", "[-1,1]", "[0,255]"]},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "order": {"enum": ["rgb", "bgr"]},
                "scale": _NUMBERS,
                "offset": _NUMBERS,
            },
        },
    ]
}
PixelsField = Annotated[
    Pixels,
    PlainValidator(_pixels),
    PlainSerializer(Pixels.as_dict, return_type=dict[str, object]),
    WithJsonSchema(_PIXELS_SCHEMA),
]


class SplitsConfig(Section):
    """The shares of the images that each split receives; they sum to 1."""

    train: Fraction = Field(default=0.7, description="learnt from")
    validation: Fraction = Field(default=0.15, description="chooses the best epoch and stops training")
    test: Fraction = Field(
        default=0.15, description="measured once, at the end, and held against every artifact"
    )


class DataConfig(Section):
    """Which images, and how they are split, checked and resized."""

    path: Text = Field(
        description="a folder with one folder per class, a CSV or TSV manifest, or embedded/digits"
    )
    splits: SplitsConfig = Field(default=SplitsConfig(), description="shares of train, validation and test")
    group_by: Text | None = Field(
        default=None,
        description="a regular expression on the path, or a manifest's column: one match stays on one side",
    )
    on_bad_record: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="what happens where images cannot be read: refuse all, or skip and list them",
    )
    resize: Literal["stretch", "crop", "pad"] = Field(
        default="stretch",
        description="how a picture becomes the backbone's size, in training and in the app alike",
    )
    timeout_seconds: float = Field(
        default=300.0, gt=0, le=86_400, description="after which a file that is still being read ends the run"
    )


class BackboneConfig(Section):
    """The pretrained feature extractor."""

    name: Text = Field(
        description="keras/NAME, hub/HANDLE, kerashub/PRESET, file/PATH, run/DIR or embedded/NAME"
    )
    weights: Text | None = Field(
        default=None,
        description="imagenet (keras/), glyphs (embedded/), none (random), or a file; the pretrained ones by default",
    )
    partial_weights: bool = Field(
        default=False,
        description="of a weights file that does not fit whole, load the layers that do; the report says which",
    )
    image_size: Annotated[tuple[int, int], Field(strict=False)] | None = Field(
        default=None, description="pixels: one number, or [height, width]; the backbone's own by default"
    )
    channels: int | None = Field(
        default=None,
        ge=1,
        description="of the pictures: 3 (RGB, the default) or 1 (grey, the first convolution summed)",
    )
    options: dict[str, Scalar] = Field(
        default_factory=dict, description="arguments of the backbone's constructor, such as {alpha: 0.35}"
    )
    until: Annotated[str, AfterValidator(check_until)] | None = Field(
        default=None,
        description='where the backbone ends: "60%" of its blocks, counted from the input, or a block; all by default',
    )
    pixels: PixelsField | None = Field(
        default=None,
        description='for hub/ and file/: "[0,1]", "[-1,1]", "[0,255]" or {order: rgb, scale: S, offset: O}',
    )


class HeadConfig(Section):
    """What stands on top of the backbone and learns the classes."""

    task: TaskName = Field(
        default="classification",
        description="; ".join(f"{facts.name}: {facts.summary}" for facts in TASKS.values()),
    )
    hidden: Annotated[
        tuple[Annotated[int, Field(gt=0, le=65_536)], ...], Field(strict=False, max_length=8)
    ] = Field(default=(), description="units of hidden layers between features and classes, such as [256]")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="share of features dropped while training")
    pooling: Literal["avg", "max"] = Field(default="avg", description="how a feature map becomes a vector")


class GatesConfig(Section):
    """What must hold for a run to succeed; a limit not given here has its default by format and precision."""

    min_accuracy: Share | None = Field(
        default=None, description="on the test split, of the network and of each artifact"
    )
    max_accuracy_drop: Share | None = Field(
        default=None, description="accuracy of the network minus that of the artifact"
    )
    min_top1_agreement: Share | None = Field(
        default=None, description="share of test images with the network's answer"
    )
    max_abs_logit_error: float | None = Field(
        default=None, ge=0, description="largest difference of any logit"
    )
    max_relative_logit_error: float | None = Field(
        default=None, ge=0, description="mean difference of the logits, as a share of the largest logit"
    )
    min_decision_agreement: Share | None = Field(
        default=None, description="share of the network's answers under a decision rule, or of its labels"
    )
    min_sensitivity: Share | None = Field(
        default=None, description="of the decision rule's positive label, on the test split"
    )
    min_specificity: Share | None = Field(
        default=None, description="of the decision rule's positive label, on the test split"
    )
    min_slice_accuracy: Share | None = Field(default=None, description="accuracy on the worst slice")
    max_slice_drop: float | None = Field(
        default=None,
        ge=0,
        description="what the worst slice loses: accuracy, exact match, or a share of the absolute error",
    )
    min_mean_average_precision: Share | None = Field(
        default=None, description="multi-label: of the network and of each artifact"
    )
    max_mean_average_precision_drop: Share | None = Field(
        default=None, description="multi-label: of the network minus that of the artifact"
    )
    max_mean_absolute_error: float | None = Field(
        default=None,
        ge=0,
        description="regression: of the network and of each artifact, in the targets' unit",
    )
    max_mean_absolute_error_rise: float | None = Field(
        default=None, ge=0, description="regression: how much larger, as a share of the network's own"
    )
    max_size_bytes: int | None = Field(default=None, gt=0, description="of the artifact's file or folder")
    max_latency_ms_p95: float | None = Field(default=None, gt=0, description="of one image, on this machine")
    max_peak_memory_bytes: int | None = Field(
        default=None, gt=0, description="that comes with the artifact and one prediction; on Linux"
    )


class ExportConfig(Section):
    """One artifact."""

    format: FormatName = Field(description="saved_model, litert, onnx, keras or openvino")
    precision: PrecisionName = Field(default="float32", description="of weights and arithmetic")
    calibration_images: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="for int8: training images that show how large activations become; 200 by default",
    )
    opset: int | None = Field(default=None, ge=1, description="for onnx: 13 to 18; 17 by default")
    granularity: Granularity | None = Field(
        default=None,
        description="for weights in integers: a scale for each channel (the default), or one for each tensor",
    )
    input_dtype: InputDtype | None = Field(
        default=None, description="for litert:int8: uint8 pictures (the default), or int8, 128 less"
    )
    output_dtype: OutputDtype | None = Field(
        default=None,
        description="for litert:int8: uint8 (the default of a classifier without a decision rule), int8 or float32 (of "
        "all others)",
    )
    on_failure: OnFailure | None = Field(
        default=None, description="where a gate fails: refuse (the default), or ladder, which tries others"
    )
    gates: GatesConfig = Field(default=GatesConfig(), description="limits for this artifact alone")


class FeaturesConfig(Section):
    """How the output of frozen layers is computed once and kept."""

    engine: Literal["auto", "fastest", "tensorflow", "onnxruntime", "litert"] = Field(
        default="auto",
        description="what computes the features; auto follows a fixed rule on the layers, the number of images and the "
        "cores, fastest times all three",
    )
    dtype: Literal["float32", "float16"] = Field(
        default="float32", description="in which they are kept on disk"
    )


class SliceConfig(Section):
    """What divides the test images into slices: one of the two keys."""

    column: Text | None = Field(
        default=None, description="a manifest's column, or group: images with the same text"
    )
    path: Text | None = Field(
        default=None,
        description="a regular expression on the path with one group: images with the same match",
    )


class EvaluationConfig(Section):
    """What is measured on the test images beside the usual figures."""

    slices: dict[Name, SliceConfig] = Field(
        default_factory=dict,
        description="by name, what divides the images: figures are taken of each part; or a list of columns",
    )
    baselines: bool = Field(
        default=True,
        description="cheap baselines, the verdict on transfer, and the labels that are likely wrong",
    )
    source_data: Text | None = Field(
        default=None,
        description="labelled data of the task that the backbone was pretrained for: its accuracy before and after",
    )
    decision: DecisionConfig | None = Field(
        default=None,
        description="how probabilities become an answer; the most probable label, or the best F1 of each label",
    )
    temperature: Literal["report", "fold", "none"] = Field(
        default="report",
        description="what the logits of a classifier should be divided by, found on validation: only reported, or done",
    )


class Config(Section):
    """A whole run."""

    name: Name = Field(
        default="run", description="as the run is called in its report; the file's name by default"
    )
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="of splits, initial weights, shuffling and dropout"
    )
    data: DataConfig = Field(description="the images")
    backbone: BackboneConfig = Field(description="the pretrained feature extractor")
    head: HeadConfig = Field(default=HeadConfig(), description="what learns the classes")
    training: TrainingConfig = Field(default=TrainingConfig(recipe="auto"), description="a recipe, or phases")
    exports: Annotated[tuple[ExportConfig, ...], Field(strict=False, max_length=50)] = Field(
        default=(
            ExportConfig(format="saved_model"),
            ExportConfig(format="litert"),
            ExportConfig(format="onnx"),
        ),
        description="the artifacts to write and verify; [] for none",
    )
    gates: GatesConfig = Field(default=GatesConfig(), description="limits for every artifact")
    bundle: BundleConfig = Field(default=BundleConfig(), description="what is handed over with the artifacts")
    evaluation: EvaluationConfig = Field(
        default=EvaluationConfig(), description="what is measured beside the usual figures"
    )
    features: FeaturesConfig = Field(default=FeaturesConfig(), description="the cache of frozen features")
    tracking: TrackingConfig = Field(
        default=TrackingConfig(), description="where the figures go besides the run directory"
    )
    device: Literal["auto", "cpu", "gpu", "tpu"] = Field(
        default="auto",
        description="what trains: auto takes a TPU or every GPU where there is one; with TF_CONFIG, in every worker",
    )

"""Reading a configuration: short forms, defaults, and one clear message for everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxfer.catalogue.pixels import SIGNED_UNIT
from tfxfer.config.read import parse_config, read_config, read_resolved
from tfxfer.config.schema import Config
from tfxfer.errors import ConfigError

SMALLEST = "data: embedded/digits\nbackbone: embedded/small\n"


def write(folder: Path, text: str, name: str = "run.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str, *overrides: str) -> Config:
    return read_config(write(folder, text), overrides)


def refusal(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, *overrides)
    return str(caught.value)


@pytest.mark.smoke
def test_the_smallest_config_has_the_documented_defaults(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    config = read(
        tmp_path, "data: photos/\nbackbone: keras/MobileNetV2\nexports: [saved_model, litert, onnx]\n"
    )
    assert config.name == "run"
    assert config.data.path == str(tmp_path / "photos")
    assert (config.data.splits.train, config.data.splits.validation, config.data.splits.test) == (
        0.7,
        0.15,
        0.15,
    )
    assert config.backbone.weights == "imagenet"
    assert config.training.recipe == "auto"
    assert [export.format for export in config.exports] == ["saved_model", "litert", "onnx"]
    assert {export.precision for export in config.exports} == {"float32"}


def test_short_and_long_forms_are_the_same_config(tmp_path: Path) -> None:
    short = read(tmp_path, SMALLEST + "head: classification\ntraining: partial\nexports: [litert:float32]\n")
    long = read(
        tmp_path,
        "data: {path: embedded/digits}\nbackbone: {name: embedded/small, weights: glyphs}\n"
        "head: {task: classification}\ntraining: {recipe: partial}\n"
        "exports: [{format: litert, precision: float32}]\n",
    )
    assert short == long


def test_slices_in_short_are_a_column_or_a_pattern_with_one_group(tmp_path: Path) -> None:
    for short, full in (
        ("[camera, site]", "{camera: {column: camera}, site: {column: site}}"),
        ("{c: camera, day: '(day\\d)/'}", "{c: {column: camera}, day: {path: '(day\\d)/'}}"),
        ("{c: '(?:x)', d: '(x'}", "{c: {column: '(?:x)'}, d: {column: '(x'}}"),
    ):
        texts = [SMALLEST + f"evaluation: {{slices: {slices}}}\n" for slices in (short, full)]
        assert read(tmp_path, texts[0]) == read(tmp_path, texts[1])
    config = read(tmp_path, SMALLEST, "evaluation.slices.day=(day\\d)/")
    assert config.evaluation.slices["day"].path == "(day\\d)/"


def test_a_key_without_a_value_is_not_given(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST + "training:\ngates:\n") == read(tmp_path, SMALLEST)


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    text = SMALLEST + "name: no\ntraining: {phases: [{epochs: 2, learning_rate: 1e-3}]}\n"
    config = read(tmp_path, text)
    assert config.name == "no"
    assert config.training.phases[0].learning_rate == 1e-3


def test_pixels_are_parsed(tmp_path: Path) -> None:
    text = 'data: embedded/digits\nbackbone: {name: embedded/small, pixels: "[-1,1]", image_size: 48}\n'
    config = read(tmp_path, text)
    assert config.backbone.pixels == SIGNED_UNIT
    assert config.backbone.image_size == (48, 48)


def test_phases_take_the_place_of_a_recipe(tmp_path: Path) -> None:
    text = SMALLEST + "training: {phases: [{epochs: 2}, {epochs: 3, unfreeze: 30%, learning_rate: 1e-4}]}\n"
    config = read(tmp_path, text)
    assert config.training.recipe is None
    assert [phase.unfreeze for phase in config.training.phases] == ["none", "30%"]


def test_a_mapping_is_read_like_a_file() -> None:
    config = parse_config({"data": "embedded/digits", "backbone": "embedded/small", "exports": ("onnx",)})
    assert [export.format for export in config.exports] == ["onnx"]


def test_a_mapping_with_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="key must be text"):
        parse_config({"data": {3: "x"}, "backbone": "embedded/small"})


def test_config_is_frozen(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


# what is added to SMALLEST, and the words that the message must hold
BAD = {
    "unknown key": ("epoch: 3\n", ["line 3", "unknown key 'epoch'"]),
    "misspelt key": (
        "training:\n  phases:\n    - epoch: 3\n",
        ["line 5", "unknown key 'epoch' in training.phases[0]; did you mean 'epochs'?"],
    ),
    "key in another place": (
        "epochs: 3\n",
        ["line 3", "unknown key 'epochs'; it belongs in training.phases."],
    ),
    "text for a number": ("seed: '3'\n", ["line 3", "seed must be a whole number", "'3'"]),
    "truth for a number": ("seed: true\n", ["line 3", "seed must be a whole number", "true"]),
    "fraction for a count": (
        "training: {batch_size: 2.5}\n",
        ["training.batch_size must be a whole number", "2.5"],
    ),
    "number too small": ("training: {batch_size: 0}\n", ["training.batch_size must be at least 1", "0"]),
    "number too large": ("seed: 4294967296\n", ["seed must be less than 4294967296"]),
    "not finite": ("training: {gradient_clip: .inf}\n", ["training.gradient_clip must be a finite number"]),
    "not a number": ("head: {dropout: .nan}\n", ["head.dropout must be a finite number"]),
    "share above one": ("gates: {min_accuracy: 90}\n", ["gates.min_accuracy must be at most 1"]),
    "a list for a section": ("head: [1]\n", ["line 3", "head must be a mapping of keys", "[1]"]),
    "a number for a section": (
        "training: 3\n",
        ["line 3", "training must be a mapping of keys. Received: 3."],
    ),
    "text for a list": ("exports: onnx\n", ["exports must be a list", "'onnx'"]),
    "unknown format": ("exports: [onx]\n", ["exports[0].format", "did you mean 'onnx'?"]),
    "unknown key of a slice": (
        "evaluation: {slices: {cam: {colum: x}}}\n",
        ["unknown key 'colum' in evaluation.slices.cam; did you mean 'column'?"],
    ),
    "slice by two things": (
        "evaluation:\n  slices:\n    cam: {column: x, path: (y)}\n",
        ["line 5", "evaluation.slices.cam must have one of column and path. Received: column and path."],
    ),
    "slice by nothing": ("evaluation: {slices: {cam: {}}}\n", ["one of column and path. Received: neither"]),
    "slice by no pattern": (
        "evaluation: {slices: {cam: {path: x}}}\n",
        ["evaluation.slices.cam.path must be a regular expression with one group"],
    ),
    "a number for a slice": ("evaluation: {slices: {cam: 3}}\n", ["evaluation.slices.cam must be a mapping"]),
    "a slice with a path for a name": (
        "evaluation: {slices: {a/b: camera}}\n",
        ["evaluation.slices must have plain names without / and \\. Received: 'a/b'."],
    ),
    "a slice named twice": (
        "evaluation: {slices: [cam, cam]}\n",
        ["evaluation.slices must be a mapping"],
    ),
    "TF.js": (
        "exports: [tfjs]\n",
        ["exports[0].format: the format 'tfjs' is not written", "exports/browser"],
    ),
    "Edge TPU": (
        "exports: [{format: edge_tpu}]\n",
        ["edgetpu_compiler is a closed program", "output_dtype: uint8"],
    ),
    "Core ML": ("exports: [coreml]\n", ["on macOS only", "Export litert or onnx"]),
    "TFLite": ("exports: [tflite:int8]\n", ["Export litert"]),
    "a ladder of SavedModels": (
        "exports: [saved_model:smallest]\n",
        ["exports[0].precision must be one that saved_model is written in: float32", "'smallest'"],
    ),
    "a ladder where there are no rungs": (
        "exports: [{format: saved_model, on_failure: ladder}]\n",
        ["exports[0].on_failure: ladder is for the precisions of litert and onnx"],
    ),
    "a ladder under a ladder": (
        "exports: [{format: litert, precision: smallest, on_failure: ladder}]\n",
        ["exports[0].on_failure: ladder is for the precisions of", "litert:smallest"],
    ),
    "two ladders to one file": (
        "exports: [litert:smallest, {format: litert, precision: int8, on_failure: ladder}]\n",
        ["exports[1] may choose litert:smallest, which another export does already"],
    ),
    "integer ends of floats": (
        "exports: [{format: litert, output_dtype: int8}]\n",
        ["exports[0].output_dtype is for litert:int8", "Received: litert:float32"],
    ),
    "unknown precision": ("exports: [litert:int9]\n", ["exports[0].precision", "did you mean 'int8'?"]),
    "precision of another format": (
        "exports: [onnx:weight_only_int8]\n",
        [
            "exports[0].precision must be one that onnx is written in: float32, float16, int8, dynamic_int8.",
            "Received: 'weight_only_int8'",
        ],
    ),
    "an opset that cannot be written": (
        "exports: [{format: onnx, opset: 9}]\n",
        ["exports[0].opset must be one of 13, 14, 15, 16, 17, 18. Received: 9"],
    ),
    "an opset of LiteRT": (
        "exports: [{format: litert, opset: 17}]\n",
        ["exports[0].opset is for onnx. Received: format 'litert'"],
    ),
    "granularity of floats": (
        "exports: [{format: litert, granularity: tensor}]\n",
        ["exports[0].granularity is for int8, mixed_int8", "no integers"],
    ),
    "calibration for float32": (
        "exports: [{format: onnx, calibration_images: 9}]\n",
        ["exports[0].calibration_images is for int8", "needs none"],
    ),
    "export twice": ("exports: [onnx, onnx:float32]\n", ["exports[1] asks for onnx:float32 a second time"]),
    "unknown preset": ("training: {augment: strong}\n", ["training.augment.preset", "light"]),
    "a crop of nothing": (
        "training: {augment: {crop: 0}}\n",
        ["training.augment.crop", "Received: 0"],
    ),
    "views of a mixture": (
        "training: {phases: [{epochs: 1, augment: {preset: heavy, views: 2}}]}\n",
        ["training.phases[0].augment.views must be left out beside mixup and cutmix", "Received: 2"],
    ),
    "no such precision": (
        "training: {mixed_precision: float8}\n",
        ["training.mixed_precision must be auto, true, false, float16 or bfloat16", "float8"],
    ),
    "a folder's task": (
        "head: multi_label\n",
        ["data.path must be a manifest", "labels for the task multi_label"],
    ),
    "slice gate without slices": (
        "gates: {max_slice_drop: 0.1}\n",
        ["gates.max_slice_drop needs evaluation.slices"],
    ),
    "another task's gate": (
        "gates: {max_mean_absolute_error: 2}\n",
        ["gates.max_mean_absolute_error is for regression. Received: task classification"],
    ),
    "sensitivity without a positive label": (
        "gates: {min_sensitivity: 0.9}\n",
        ["gates.min_sensitivity needs evaluation.decision.positive"],
    ),
    "two decision rules": (
        "evaluation: {decision: {positive: a, specificity: 0.9, costs: {}}}\n",
        ["evaluation.decision must have positive with one of specificity and sensitivity, or costs alone"],
    ),
    "decision agreement without a rule": (
        "gates: {min_decision_agreement: 0.9}\n",
        ["gates.min_decision_agreement needs evaluation.decision"],
    ),
    "unknown task": ("head: clasification\n", ["head.task", "did you mean 'classification'?"]),
    "unknown recipe": ("training: ful\n", ["training.recipe", "did you mean 'full'?"]),
    "recipe and phases": (
        "training: {recipe: full, phases: [{epochs: 1}]}\n",
        ["a recipe or phases, not both", "'full'"],
    ),
    "no phases": ("training: {phases: []}\n", ["training.phases must hold at least one phase"]),
    "phase without epochs": (
        "training: {phases: [{name: head}]}\n",
        ["'training.phases[0].epochs' is required"],
    ),
    "phases with one name": (
        "training: {phases: [{epochs: 1, name: a}, {epochs: 1, name: a}]}\n",
        ["phases must have different names", "'a'"],
    ),
    "unfreeze without rate": (
        "training: {phases: [{epochs: 1, unfreeze: all}]}\n",
        ["training.phases[0].learning_rate must be given where the backbone learns"],
    ),
    "weights that weigh nothing": (
        "training: {imbalance: {class_weights: {rare: 0}}}\n",
        ["training.imbalance.class_weights"],
    ),
    "unknown sampling": (
        "training: {imbalance: {sampling: balance}}\n",
        ["training.imbalance.sampling", "did you mean 'balanced'?"],
    ),
    "a focal loss that is none": (
        "training: {imbalance: {focal_gamma: 0}}\n",
        ["training.imbalance.focal_gamma must be more than 0"],
    ),
    "unfreezings from the middle": (
        "training: {phases: [{epochs: 4, learning_rate: 1e-4, unfreeze: [{epoch: 1, unfreeze: all}]}]}\n",
        ["training.phases[0].unfreeze must begin at epoch 0", "epochs 1"],
    ),
    "unfreezings beyond the end": (
        "training: {phases: [{epochs: 2, unfreeze: [{epoch: 0, unfreeze: none}, {epoch: 2, unfreeze: none}]}]}\n",
        ["training.phases[0].unfreeze", "below the phase's 2 epochs"],
    ),
    "an unfreezing misspelt": (
        "training: {phases: [{epochs: 2, unfreeze: [{epoch: 0, freeze: all}]}]}\n",
        ["training.phases[0].unfreeze must have the keys epoch and unfreeze"],
    ),
    "an unfreezing not understood": (
        "training: {phases: [{epochs: 2, unfreeze: [{epoch: 0, unfreeze: 3 blocs}]}]}\n",
        ["training.phases[0].unfreeze must be none, all"],
    ),
    "rates twice": (
        "training: {phases: [{epochs: 2, learning_rate_decay: 0.5, learning_rates: {head: 1e-3}}]}\n",
        ["learning_rates or learning_rate_decay, not both"],
    ),
    "the head's rate twice": (
        "training: {phases: [{epochs: 2, head_learning_rate: 1e-4, learning_rates: {head: 1e-3}}]}\n",
        ["gives the head's rate twice"],
    ),
    "option of another schedule": (
        "training: {phases: [{epochs: 2, schedule: step, schedule_options: {patience: 3}}]}\n",
        ["training.phases[0].schedule_options", "every_epochs, factor", "'patience'"],
    ),
    "warm-up where the schedule rises": (
        "training: {phases: [{epochs: 2, schedule: one_cycle, warmup_steps: 3}]}\n",
        ["training.phases[0].warmup_steps must be 0 with schedule 'one_cycle'"],
    ),
    "unfreeze not understood": (
        "training:\n  phases:\n    - epochs: 1\n      unfreeze: three blocks\n",
        ["line 6", "training.phases[0].unfreeze must be", '"3 blocks"', "'three blocks'"],
    ),
    "too much unfrozen": (
        "training: {phases: [{epochs: 1, unfreeze: 130%, learning_rate: 1e-4}]}\n",
        ["training.phases[0].unfreeze must be", "'130%'"],
    ),
    "frozen blocks whose norm learns": (
        "training: {phases: [{epochs: 1, batch_norm: learn}]}\n",
        ["training.phases[0].batch_norm: learn needs blocks that learn"],
    ),
    "solver that cannot": (
        "training: {phases: [{epochs: 1, unfreeze: all, learning_rate: 1e-4, solver: lbfgs}]}\n",
        ["training.phases[0].solver: lbfgs solves a head on frozen features"],
    ),
    "control characters in a name": ('name: "a\\u0007b"\n', ["name must be plain text"]),
    "empty name": ('name: ""\n', ["name must be text that is not empty"]),
    "device": ("device: gpu0\n", ["device must be 'auto', 'cpu', 'gpu' or 'tpu'", "'gpu0'"]),
    "engine": ("features: {engine: torch}\n", ["features.engine must be", "'torch'"]),
    "three sizes": ("head: {hidden: [256, many]}\n", ["head.hidden[1] must be a whole number", "'many'"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_key_is_refused_with_its_file_line_and_name(kind: str, tmp_path: Path) -> None:
    text, words = BAD[kind]
    message = refusal(tmp_path, SMALLEST + text)
    assert message.startswith(f"{tmp_path / 'run.yaml'}"), message
    assert "\n" not in message, "one problem is one line"
    for word in words:
        assert word in message


BAD_FILES = {
    "empty": ("", ["2 problems", "'data' is required", "'backbone' is required"]),
    "a list": ("- a\n", ["line 1", "must be a mapping of keys", "tfxfer init"]),
    "a scalar": ("photos\n", ["line 1", "must be a mapping of keys", "'photos'"]),
    "not YAML": ("data: [a\nbackbone: b\n", ["line 2", "not valid YAML"]),
    "a tab": ("data:\n\tpath: a\n", ["line 2", "not valid YAML"]),
    "a key twice": (
        "data: a\nseed: 1\ndata: b\n",
        ["line 3", "the key 'data' is given twice, first on line 1"],
    ),
    "a tag": ("data: !!python/object:os.system {}\n", ["line 1", "tags are not taken"]),
    "an old version": ("%YAML 1.1\n---\nseed: 1\n", ["YAML 1.2"]),
    "two documents": ("seed: 1\n---\nseed: 2\n", ["not valid YAML"]),
    "no data": ("backbone: embedded/small\n", ["the key 'data' is required"]),
    "data not there": (
        "seed: 1\ndata: fotos/\nbackbone: embedded/small\n",
        ["line 2", "data.path must be a folder", "fotos"],
    ),
    "data no manifest": (
        "data: run.yaml\nbackbone: embedded/small\n",
        ["line 1", "a manifest ending in .csv or .tsv"],
    ),
    "unknown embedded data": ("data: embedded/digit\nbackbone: embedded/small\n", ["did you mean 'digits'?"]),
    "shares": (
        "data:\n  path: embedded/digits\n  splits: {train: 0.9}\nbackbone: embedded/small\n",
        ["line 3", "data.splits must sum to 1", "1.2"],
    ),
    "pattern": (
        "data: {path: embedded/digits, group_by: '(a'}\nbackbone: embedded/small\n",
        ["data.group_by must be a regular expression with one group"],
    ),
    "pattern without group": (
        "data: {path: embedded/digits, group_by: 'a+'}\nbackbone: embedded/small\n",
        ["data.group_by must be a regular expression with one group", "with 0"],
    ),
    "unknown backbone": (
        "data: embedded/digits\nbackbone: keras/MobilNetV2\n",
        ["line 2", "'keras/MobilNetV2'", "keras/MobileNetV2"],
    ),
    "backbone without prefix": ("data: embedded/digits\nbackbone: MobileNetV2\n", ["keras/MobileNetV2"]),
    "no finished run": (
        "data: embedded/digits\nbackbone: run/first\n",
        ["run/DIR must name a finished run", "first"],
    ),
    "until of nothing": (
        "data: embedded/digits\nbackbone: {name: embedded/small, until: 0%}\n",
        ["line 2", 'backbone.until must be "60%"', "name of a block", "'0%'"],
    ),
    "until of a hub module": (
        "data: embedded/digits\nbackbone: {name: hub/nowhere, pixels: '[0,1]', until: 60%}\n",
        ["backbone.until must not be given with hub/: a SavedModel is opaque", "'60%'"],
    ),
    "more channels than picture files have": (
        "data: embedded/digits\nbackbone: {name: embedded/small, channels: 4}\n",
        ["line 2", "backbone.channels must be 1 or 3: picture files are decoded to 8 bits", "load_backbone"],
    ),
    "channels of a finished run": (
        "data: embedded/digits\nbackbone: {name: run/first, channels: 1}\n",
        ["a run/ backbone brings its own channels. Received: 1. Remove the key."],
    ),
    "channels of a hub module": (
        "data: embedded/digits\nbackbone: {name: hub/nowhere, pixels: '[0,1]', channels: 1}\n",
        ["backbone.channels of a hub/ backbone must be 3", "grey pictures are repeated three times"],
    ),
    "an option that no preset of KerasHub has": (
        "data: embedded/digits\nbackbone: {name: kerashub/vit_base, options: {alpha: 1}}\n",
        ["line 2", "a kerashub/ backbone takes the options features only", "'alpha'"],
    ),
    "a folder that holds no preset of KerasHub": (
        "data: embedded/digits\nbackbone: kerashub/./nowhere\n",
        ["kerashub/./FOLDER must hold a preset's config.json", "nowhere"],
    ),
    "an option that no SavedModel has": (
        "data: embedded/digits\nbackbone: {name: hub/nowhere, pixels: '[0,1]', options: {alpha: 1}}\n",
        ["line 2", "a hub/ backbone takes the options signature, output, sha256 only", "'alpha'"],
    ),
    "size too small": (
        "data: embedded/digits\nbackbone: {name: keras/InceptionV3, image_size: 50}\n",
        ["backbone.image_size of keras/InceptionV3 must be 75 to 4096 pixels a side", "[50, 50]"],
    ),
    "size of three": (
        "data: embedded/digits\nbackbone: {name: embedded/small, image_size: [32, 32, 3]}\n",
        ["backbone.image_size must be"],
    ),
    "size as text": (
        "data: embedded/digits\nbackbone: {name: embedded/small, image_size: 32px}\n",
        ["backbone.image_size must be a list", "'32px'"],
    ),
    "unknown option": (
        "data: embedded/digits\nbackbone: {name: keras/MobileNetV2, options: {alfa: 0.35}}\n",
        ["unknown option 'alfa' of keras/MobileNetV2; did you mean 'alpha'?"],
    ),
    "option that is a list": (
        "data: embedded/digits\nbackbone: {name: keras/MobileNetV2, options: {alpha: [1]}}\n",
        ["backbone.options.alpha must be a number, text, true or false"],
    ),
    "weights not there": (
        "data: embedded/digits\nbackbone: {name: keras/MobileNetV2, weights: my.weights.h5}\n",
        ["backbone.weights must be imagenet or none or a file that exists", "my.weights.h5"],
    ),
    "weights that are not made": (
        "data: embedded/digits\nbackbone: {name: embedded/small, weights: imagenet}\n",
        ["backbone.weights of embedded/small must be glyphs or none", "'imagenet'"],
    ),
    "pixels": (
        "data: embedded/digits\nbackbone: {name: embedded/small, pixels: '[0,2]'}\n",
        ["line 2", "backbone.pixels", '"[0,1]"', "'[0,2]'"],
    ),
    "pixels as a number": (
        "data: embedded/digits\nbackbone: {name: embedded/small, pixels: 255}\n",
        ["backbone.pixels", '"[0,1]"', "255"],
    ),
    "no keras file": (
        "data: embedded/digits\nbackbone: file/my.h5\n",
        ["file/PATH must name a .keras or .h5 file that exists", "my.h5"],
    ),
    "an address that the catalogue does not know": (
        "data: embedded/digits\nbackbone: hub/https://tfhub.dev/x/1\n",
        ["line 2", "backbone.pixels is required with hub/", '"[0,1]"'],
    ),
    "an archive that is not there": (
        "data: embedded/digits\nbackbone: {name: hub/x.tar.gz, pixels: '[0,1]'}\n",
        ["hub/FILE.tar.gz must name a file that exists", "x.tar.gz"],
    ),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused(kind: str, tmp_path: Path) -> None:
    text, words = BAD_FILES[kind]
    message = refusal(tmp_path, text)
    for word in ["run.yaml", *words]:
        assert word in message


def test_a_hub_folder_needs_pixels_and_the_refusal_names_them(tmp_path: Path) -> None:
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "saved_model.pb").write_bytes(b"")
    text = "data: embedded/digits\nbackbone: hub/module\n"
    message = refusal(tmp_path, text)
    assert "backbone.pixels is required with hub/" in message
    assert '"[-1,1]"' in message
    config = read(tmp_path, text, 'backbone.pixels="[-1,1]"')
    assert config.backbone.name == f"hub/{tmp_path / 'module'}"
    assert config.backbone.weights is None


@pytest.mark.parametrize(
    "handle",
    [
        "https://tfhub.dev/google/imagenet/mobilenet_v2_035_224/feature_vector/5",
        "google/mobilenet-v2/tensorFlow2/035-224-feature-vector",
    ],
)
def test_a_well_known_hub_handle_needs_no_pixels_and_is_no_path(tmp_path: Path, handle: str) -> None:
    assert read(tmp_path, f"data: embedded/digits\nbackbone: hub/{handle}\n").backbone.name == f"hub/{handle}"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: the configuration cannot be read"):
        read_config(tmp_path / "nothing.yaml")


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the configuration cannot be read"):
        read_config(tmp_path)


def test_all_problems_are_shown_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "data: fotos\nbackbone: keras/MobilNetV2\ntraining: ful\nexports: [onx]\nseed: x\n"
    message = refusal(tmp_path, text)
    lines = message.splitlines()
    assert lines[0] == "5 problems in the configuration:"
    assert [line.split("line ")[1][0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]


def test_a_misspelt_required_key_is_one_problem(tmp_path: Path) -> None:
    message = refusal(tmp_path, "data: embedded/digits\nbackbon: embedded/small\n")
    assert message.endswith("unknown key 'backbon'; did you mean 'backbone'?")
    assert "problems" not in message


def test_a_resolved_config_is_read_without_its_files(tmp_path: Path) -> None:
    path = write(tmp_path, "data: /gone/photos\nbackbone: embedded/small\n")
    with pytest.raises(ConfigError, match="must be a folder"):
        read_config(path)
    assert read_resolved(path).data.path == "/gone/photos"


def test_a_temperature_is_folded_into_classifiers_only(tmp_path: Path) -> None:
    text = SMALLEST + "head: multi_label\nevaluation: {temperature: fold}\n"
    with pytest.raises(
        ConfigError, match=r"evaluation\.temperature: fold is for classification\. Received: task multi_label"
    ):
        read(tmp_path, text)

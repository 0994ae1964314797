"""Facts of every backbone tfxfer can name: data with a source, no TensorFlow."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tfxfer.catalogue.inputs import Kind, Size
from tfxfer.catalogue.pixels import RAW, SIGNED_UNIT, Pixels
from tfxfer.errors import ConfigError

# keras.applications.imagenet_utils.preprocess_input, modes "torch" and "caffe"; mode "tf" is SIGNED_UNIT.
TORCH = Pixels(
    "rgb",
    (1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
    (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
CAFFE = Pixels("bgr", (1.0, 1.0, 1.0), (-103.939, -116.779, -123.68))

IMAGENET = "ImageNet-1k, weights published with keras.applications"
IMAGENET_21K = "ImageNet-21k, fine-tuned on ImageNet-1k, weights published with keras.applications"
NOT_STATED = "not stated for the weights; the code that builds the network is Apache-2.0"

FILE_OPTIONS = (
    "features",
    "trusted",
)  # of file/: where the old head is cut off, and whether its code may run
KERASHUB_OPTIONS = ("features",)  # of kerashub/: as of file/
INSTALL_KERASHUB = 'pip install "tfxfer[kerashub]", then run again.'


def is_preset_folder(preset: str) -> bool:
    """Whether kerashub/PRESET is written as a folder: ./NAME, ../NAME, ~/NAME or /NAME."""
    return preset.startswith(("./", "../", "~", "/"))


@dataclass(frozen=True, slots=True)
class BackboneFacts:
    """What is known of a backbone before anything is downloaded or built."""

    name: str  # "keras/MobileNetV2"
    constructor: str  # its name in keras.applications, or the embedded one's
    family: str  # the module in keras.applications
    pixels: Pixels
    image_size: Size  # (H, W) the weights were trained at
    min_size: int  # pixels a side
    parameters: int  # without a classifier, counted on the built network at its default options
    options: Mapping[str, object]  # what the constructor takes, with its defaults
    source: str = IMAGENET
    licence: str = NOT_STATED
    weights: tuple[str, ...] = ("imagenet", "none")  # by name; the first is the default, "none" is random
    kind: ClassVar[Kind] = "image"


@dataclass(frozen=True, slots=True)
class _Family:
    module: str
    pixels: Pixels
    min_size: int = 32
    options: tuple[tuple[str, object], ...] = ()
    source: str = IMAGENET


# Preprocessing inside the network (RAW): scaling again would be the classic bug.
_MOBILENET = _Family("mobilenet", SIGNED_UNIT, options=(("alpha", 1.0), ("depth_multiplier", 1)))
_MOBILENET_V2 = _Family("mobilenet_v2", SIGNED_UNIT, options=(("alpha", 1.0),))
_MOBILENET_V3 = _Family("mobilenet_v3", RAW, options=(("alpha", 1.0), ("minimalistic", False)))
_EFFICIENTNET = _Family("efficientnet", RAW)
_EFFICIENTNET_V2 = _Family("efficientnet_v2", RAW)
_RESNET = _Family("resnet", CAFFE)
_RESNET_V2 = _Family("resnet_v2", SIGNED_UNIT)
_CONVNEXT = _Family("convnext", RAW)
_CONVNEXT_21K = _Family("convnext", RAW, source=IMAGENET_21K)
_DENSENET = _Family("densenet", TORCH)
_INCEPTION = _Family("inception_v3", SIGNED_UNIT, min_size=75)
_INCEPTION_RESNET = _Family("inception_resnet_v2", SIGNED_UNIT, min_size=75)
_XCEPTION = _Family("xception", SIGNED_UNIT, min_size=71)
_NASNET = _Family("nasnet", SIGNED_UNIT)
_VGG16 = _Family("vgg16", CAFFE)
_VGG19 = _Family("vgg19", CAFFE)

# constructor, family, default pixels a side, parameters without the classifier (measured with Keras 3.15.1)
_KERAS: tuple[tuple[str, _Family, int, int], ...] = (
    ("MobileNet", _MOBILENET, 224, 3_228_864),
    ("MobileNetV2", _MOBILENET_V2, 224, 2_257_984),
    ("MobileNetV3Small", _MOBILENET_V3, 224, 939_120),
    ("MobileNetV3Large", _MOBILENET_V3, 224, 2_996_352),
    ("EfficientNetB0", _EFFICIENTNET, 224, 4_049_571),
    ("EfficientNetB1", _EFFICIENTNET, 240, 6_575_239),
    ("EfficientNetB2", _EFFICIENTNET, 260, 7_768_569),
    ("EfficientNetB3", _EFFICIENTNET, 300, 10_783_535),
    ("EfficientNetB4", _EFFICIENTNET, 380, 17_673_823),
    ("EfficientNetB5", _EFFICIENTNET, 456, 28_513_527),
    ("EfficientNetB6", _EFFICIENTNET, 528, 40_960_143),
    ("EfficientNetB7", _EFFICIENTNET, 600, 64_097_687),
    ("EfficientNetV2B0", _EFFICIENTNET_V2, 224, 5_919_312),
    ("EfficientNetV2B1", _EFFICIENTNET_V2, 240, 6_931_124),
    ("EfficientNetV2B2", _EFFICIENTNET_V2, 260, 8_769_374),
    ("EfficientNetV2B3", _EFFICIENTNET_V2, 300, 12_930_622),
    ("EfficientNetV2S", _EFFICIENTNET_V2, 384, 20_331_360),
    ("EfficientNetV2M", _EFFICIENTNET_V2, 480, 53_150_388),
    ("EfficientNetV2L", _EFFICIENTNET_V2, 480, 117_746_848),
    ("ResNet50", _RESNET, 224, 23_587_712),
    ("ResNet101", _RESNET, 224, 42_658_176),
    ("ResNet152", _RESNET, 224, 58_370_944),
    ("ResNet50V2", _RESNET_V2, 224, 23_564_800),
    ("ResNet101V2", _RESNET_V2, 224, 42_626_560),
    ("ResNet152V2", _RESNET_V2, 224, 58_331_648),
    ("ConvNeXtTiny", _CONVNEXT, 224, 27_820_128),
    ("ConvNeXtSmall", _CONVNEXT, 224, 49_454_688),
    ("ConvNeXtBase", _CONVNEXT_21K, 224, 87_566_464),
    ("ConvNeXtLarge", _CONVNEXT_21K, 224, 196_230_336),
    ("ConvNeXtXLarge", _CONVNEXT_21K, 224, 348_147_968),
    ("DenseNet121", _DENSENET, 224, 7_037_504),
    ("DenseNet169", _DENSENET, 224, 12_642_880),
    ("DenseNet201", _DENSENET, 224, 18_321_984),
    ("InceptionV3", _INCEPTION, 299, 21_802_784),
    ("InceptionResNetV2", _INCEPTION_RESNET, 299, 54_336_736),
    ("Xception", _XCEPTION, 299, 20_861_480),
    ("NASNetMobile", _NASNET, 224, 4_269_716),
    ("NASNetLarge", _NASNET, 331, 84_916_818),
    ("VGG16", _VGG16, 224, 14_714_688),
    ("VGG19", _VGG19, 224, 20_024_384),
)


def _keras_facts(constructor: str, family: _Family, side: int, parameters: int) -> BackboneFacts:
    return BackboneFacts(
        name=f"keras/{constructor}",
        constructor=constructor,
        family=family.module,
        pixels=family.pixels,
        image_size=(side, side),
        min_size=family.min_size,
        parameters=parameters,
        options=dict(family.options),
        source=family.source,
    )


EMBEDDED_SMALL = BackboneFacts(
    name="embedded/small",
    constructor="small",
    family="embedded",
    pixels=SIGNED_UNIT,
    image_size=(32, 32),
    min_size=16,
    parameters=307_048,
    options={},
    source="pretrained by tfxfer's pipelines/pretrain_embedded.py on generated pictures of 62 characters, drawn "
    "with the fonts DejaVu (Bitstream Vera licence) and STIX (SIL Open Font License 1.1)",
    licence="Apache-2.0",
    weights=("glyphs", "none"),
)

BACKBONES: Mapping[str, BackboneFacts] = {
    **{f"keras/{row[0]}": _keras_facts(*row) for row in _KERAS},
    EMBEDDED_SMALL.name: EMBEDDED_SMALL,
}
NAMED_WEIGHTS = frozenset(name for facts in BACKBONES.values() for name in facts.weights)


def backbone_facts(name: str) -> BackboneFacts:
    """The facts of a catalogued backbone; an unknown name is answered with the nearest one.

    Raises:
        ConfigError: nothing of that name is in the catalogue.
    """
    facts = BACKBONES.get(name)
    if facts is not None:
        return facts
    raise ConfigError(
        "backbone must be one of the catalogue ('tfxfer backbones' lists it), hub/HANDLE, kerashub/PRESET, file/PATH "
        f"or run/DIR. Received: {name!r}. {_suggestion(name)}"
    )


def _suggestion(name: str) -> str:
    by_lower = {known.lower(): known for known in BACKBONES}
    by_lower |= {known.partition("/")[2].lower(): known for known in BACKBONES}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else "Short names look like 'keras/MobileNetV2'."


def require_kind(facts: BackboneFacts, kind: str) -> None:
    """Refuse data of another kind than the backbone's, before anything is downloaded.

    Raises:
        ConfigError: the kinds differ.
    """
    if kind != facts.kind:
        raise ConfigError(
            f"backbone {facts.name!r} takes data of kind {facts.kind!r}. Received: data of kind {kind!r}. "
            "Choose data or a backbone so that the kinds agree."
        )

"""Well-known modules of TF Hub and Kaggle, and how a hub/ handle is read: facts with their sources, no TensorFlow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tfxfer.catalogue.inputs import Size
from tfxfer.catalogue.pixels import UNIT, Pixels

HUB_OPTIONS = ("signature", "output", "sha256")  # which function, which output; of the archive
ARCHIVES = (".tar.gz", ".tgz", ".tar")
HandleKind = Literal["folder", "archive", "address", "kaggle"]
_KAGGLE = re.compile(r"[\w-]+/[\w-]+/(tensorflow[12]|keras|tflite)/[\w.-]+(/\d+)?", re.IGNORECASE)
_KAGGLE_PAGE = re.compile(
    r"https?://(?:www\.)?kaggle\.com/models/([\w-]+)/([\w-]+)/(?:frameworks/)?(\w+)/(?:variations/)?([\w.-]+)"
    r"(?:/(?:versions/)?(\d+))?/?(?:\?.*)?"
)
_TFHUB = re.compile(r"https?://tfhub\.dev/(.+?)/?(?:\?.*)?")

# What TF Hub's conventions say of every image module: RGB, floats in [0,1]. Each family's page repeats it
# ("The input images are expected to have color values in the range [0,1]").
IMAGE_CONVENTION = "https://www.tensorflow.org/hub/common_signatures/images#image_input"


@dataclass(frozen=True, slots=True)
class HubFamily:
    """Modules that share a contract. Sizes are of the published networks; None: the module takes any."""

    name: str
    tfhub: str  # regular expression on what follows tfhub.dev/, without its version
    kaggle: str  # OWNER/MODEL of its Kaggle handle
    variation: str  # regular expression on the handle's variation; groups named as in `tfhub`
    called: str  # the variation, with {groups}
    sizes: tuple[tuple[str, int | None], ...] = ()  # by the group `which`; empty: the group `side` says it
    pixels: Pixels = UNIT
    source: str = IMAGE_CONVENTION


@dataclass(frozen=True, slots=True)
class HubFacts:
    """What the catalogue knows of a handle."""

    family: str
    pixels: Pixels
    image_size: Size | None  # None: any, so that image_size must be given
    kaggle: str  # the same module's Kaggle handle, without a version
    source: str


def _sized(**sides: int | None) -> tuple[tuple[str, int | None], ...]:
    return tuple(sides.items())


_B = _sized(b0=224, b1=240, b2=260, b3=300, b4=380, b5=456, b6=528, b7=600)
FAMILIES: tuple[HubFamily, ...] = (
    HubFamily(
        "MobileNet v1",
        r"google/imagenet/mobilenet_v1_(?P<which>\d{3})_(?P<side>\d+)/feature_vector",
        "google/mobilenet-v1",
        r"(?P<which>\d{3})-(?P<side>\d+)-feature-vector",
        "{which}-{side}-feature-vector",
    ),
    HubFamily(
        "MobileNet v2",
        r"google/imagenet/mobilenet_v2_(?P<which>\d{3})_(?P<side>\d+)/feature_vector",
        "google/mobilenet-v2",
        r"(?P<which>\d{3})-(?P<side>\d+)-feature-vector",
        "{which}-{side}-feature-vector",
    ),
    HubFamily(
        "MobileNet v3",
        r"google/imagenet/mobilenet_v3_(?P<which>(?:small|large)_\d{3})_(?P<side>\d+)/feature_vector",
        "google/mobilenet-v3",
        r"(?P<which>(?:small|large)-\d{3})-(?P<side>\d+)-feature-vector",
        "{which}-{side}-feature-vector",
    ),
    HubFamily(
        "EfficientNet",
        r"(?:google|tensorflow)/efficientnet/(?P<which>b\d)/feature-vector",
        "tensorflow/efficientnet",
        r"(?P<which>b\d)-feature-vector",
        "{which}-feature-vector",
        _B,
    ),
    HubFamily(
        "EfficientNet-Lite",
        r"tensorflow/efficientnet/(?P<which>lite\d)/feature-vector",
        "tensorflow/efficientnet",
        r"(?P<which>lite\d)-feature-vector",
        "{which}-feature-vector",
        _sized(lite0=224, lite1=240, lite2=260, lite3=280, lite4=300),
    ),
    HubFamily(
        "EfficientNetV2",
        r"google/imagenet/efficientnet_v2_(?P<data>imagenet\w+?)_(?P<which>b\d|s|m|l|xl)/feature_vector",
        "google/efficientnet-v2",
        r"(?P<data>imagenet[\w-]+?)-(?P<which>b\d|s|m|l|xl)-feature-vector",
        "{data}-{which}-feature-vector",
        (*_B[:4], ("s", 384), ("m", 480), ("l", 480), ("xl", 512)),
    ),
    HubFamily(
        "ResNet v1",
        r"google/imagenet/resnet_v1_(?P<which>\d+)/feature_vector",
        "google/resnet-v1",
        r"(?P<which>\d+)-feature-vector",
        "{which}-feature-vector",
        (("50", 224), ("101", 224), ("152", 224)),
    ),
    HubFamily(
        "ResNet v2",
        r"google/imagenet/resnet_v2_(?P<which>\d+)/feature_vector",
        "google/resnet-v2",
        r"(?P<which>\d+)-feature-vector",
        "{which}-feature-vector",
        (("50", 224), ("101", 224), ("152", 224)),
    ),
    HubFamily(
        "Inception",
        r"google/imagenet/inception_(?P<which>v[123])/feature_vector",
        "google/inception",
        r"(?P<which>v[123])-feature-vector",
        "{which}-feature-vector",
        _sized(v1=224, v2=224, v3=299),
    ),
    HubFamily(
        "Inception-ResNet v2",
        r"google/imagenet/(?P<which>inception_resnet_v2)/feature_vector",
        "google/inception-resnet-v2",
        r"(?P<which>feature-vector)",
        "feature-vector",
        (("inception_resnet_v2", 299), ("feature-vector", 299)),
    ),
    HubFamily(
        "BiT",
        r"google/bit/(?P<which>[ms]-r\d+x\d)",
        "google/bit",
        r"(?P<which>[ms]-r\d+x\d)",
        "{which}",
        tuple(
            (f"{kind}-{net}", None)
            for kind in "ms"
            for net in ("r50x1", "r50x3", "r101x1", "r101x3", "r152x4")
        ),
        source="https://arxiv.org/abs/1912.11370, and " + IMAGE_CONVENTION,
    ),
)


def handle_kind(handle: str) -> HandleKind:
    """What follows hub/: an address, a Kaggle handle (OWNER/MODEL/FRAMEWORK/VARIATION), an archive or a folder."""
    if "://" in handle:
        return "kaggle" if _KAGGLE_PAGE.fullmatch(handle) else "address"
    if _KAGGLE.fullmatch(handle):
        return "kaggle"
    return "archive" if handle.endswith(ARCHIVES) else "folder"


def kaggle_handle(handle: str) -> str:
    """OWNER/MODEL/FRAMEWORK/VARIATION[/VERSION] of a Kaggle handle or of its page's address."""
    page = _KAGGLE_PAGE.fullmatch(handle)
    if page is None:
        return handle
    owner, model, framework, variation, version = page.groups()
    known = {"tensorflow1": "tensorFlow1", "tensorflow2": "tensorFlow2", "tflite": "tfLite"}
    parts = [owner, model, known.get(framework.lower(), framework), variation, version]
    return "/".join(part for part in parts if part)


def hub_facts(handle: str) -> HubFacts | None:
    """What is known of a handle; None where it is no well-known one."""
    for family in FAMILIES:
        found = _match(family, handle)
        size = None if found is None else _side(family, found)
        if found is not None and (size is not None or (found["which"], None) in family.sizes):
            shape = None if size is None else (size, size)
            return HubFacts(family.name, family.pixels, shape, _kaggle_name(family, found), family.source)
    return None


def _match(family: HubFamily, handle: str) -> dict[str, str] | None:
    """The named groups of the expression that fits."""
    address = _TFHUB.fullmatch(handle)
    if address is not None:
        fits = re.fullmatch(rf"{family.tfhub}(?:/\d+)?", address[1])
        return None if fits is None else fits.groupdict()
    if handle_kind(handle) != "kaggle":
        return None
    owner, model, framework, variation = kaggle_handle(handle).split("/")[:4]
    if f"{owner}/{model}" != family.kaggle or not framework.lower().startswith("tensorflow"):
        return None
    fits = re.fullmatch(family.variation, variation)
    return None if fits is None else fits.groupdict()


def _side(family: HubFamily, found: dict[str, str]) -> int | None:
    return int(found["side"]) if "side" in found else dict(family.sizes).get(found["which"])


def _kaggle_name(family: HubFamily, found: dict[str, str]) -> str:
    named = family.called.format(**{group: text.replace("_", "-") for group, text in found.items()})
    return f"{family.kaggle}/tensorFlow2/{named}"

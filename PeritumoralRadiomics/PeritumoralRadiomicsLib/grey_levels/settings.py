"""The settings that change feature values, named as in pyradiomics' parameter files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from RadiomicsCoreLib.errors import InputError

WEIGHTINGS = ("manhattan", "euclidean", "infinity", "no_weighting")
PROFILES = ("pyradiomics", "ibsi")
MAXIMUM_GREY_LEVELS = 5000


@dataclass(frozen=True)
class FeatureSettings:
    """Settings of the feature families, checked once.

    Attributes:
        bin_width: width of a grey level's bin, in intensity units; used where ``bin_count`` is None.
        bin_count: number of bins between the region's minimum and maximum.
        distances: distances to the neighbours (infinity norm, in voxels) for GLCM, GLDM and NGTDM.
        weighting_norm: merges the directions' matrices with weights by distance; None averages the features.
        force_2d: neighbours are sought in one plane only.
        force_2d_dimension: the axis (k, j, i) = (0, 1, 2) across that plane.
        symmetrical_glcm: count every pair in both orders.
        gldm_alpha: largest difference of grey levels at which two neighbours depend on each other.
        voxel_array_shift: added to intensities in Energy, TotalEnergy and RootMeanSquared.
        profile: ``pyradiomics`` or ``ibsi`` (the standard's own conventions, see ``docs/engine.md``).
        first_bin: IBSI profile with ``bin_width``: lower end of the first bin (the resegmentation range's);
            None for the region's minimum, as in filtered images.

    Raises:
        InputError: a setting is out of range; the message names it, its value and the remedy.

    Example:
        >>> FeatureSettings.from_mapping({"binWidth": 25}).bin_width
        25
    """

    bin_width: float = 25
    bin_count: int | None = None
    distances: tuple[int, ...] = (1,)
    weighting_norm: str | None = None
    force_2d: bool = False
    force_2d_dimension: int = 0
    symmetrical_glcm: bool = True
    gldm_alpha: int = 0
    voxel_array_shift: float = 0
    profile: str = "pyradiomics"
    first_bin: float | None = None

    def __post_init__(self) -> None:
        if self.bin_count is None and not self.bin_width > 0:
            raise InputError(f"binWidth must be positive, got {self.bin_width}; CT is usually binned with 25")
        if self.bin_count is not None and (self.bin_count != int(self.bin_count) or self.bin_count < 1):
            raise InputError(f"binCount must be a whole number of at least 1, got {self.bin_count}")
        if self.bin_count is not None and self.bin_count > MAXIMUM_GREY_LEVELS:
            raise InputError(f"binCount {self.bin_count} is above the limit of {MAXIMUM_GREY_LEVELS} grey levels")
        if not self.distances or any(d < 1 or d != int(d) for d in self.distances):
            raise InputError(f"distances must be whole numbers of at least 1, got {list(self.distances)}")
        if self.weighting_norm is not None and self.weighting_norm not in WEIGHTINGS:
            raise InputError(f"weightingNorm {self.weighting_norm!r} is unknown; use one of {', '.join(WEIGHTINGS)}")
        if self.force_2d_dimension not in (0, 1, 2):
            raise InputError(f"force2Ddimension must be 0, 1 or 2 (k, j, i), got {self.force_2d_dimension}")
        if self.gldm_alpha < 0 or self.gldm_alpha != int(self.gldm_alpha):
            raise InputError(f"gldm_a must be a whole number of at least 0, got {self.gldm_alpha}")
        if self.profile not in PROFILES:
            raise InputError(f"profile {self.profile!r} is unknown; use one of {', '.join(PROFILES)}")

    @classmethod
    def from_mapping(cls, setting: Mapping[str, Any]) -> FeatureSettings:
        """Read pyradiomics setting names; names that do not change feature values are ignored."""
        given = {ours: setting[theirs] for theirs, ours in _NAMES.items() if setting.get(theirs) is not None}
        if "distances" in given:
            given["distances"] = tuple(given["distances"])
        if setting.get("resegmentRange") is not None and setting.get("resegmentMode", "absolute") == "absolute":
            given["first_bin"] = min(setting["resegmentRange"])
        return cls(**given)


_NAMES = {
    "binWidth": "bin_width",
    "binCount": "bin_count",
    "distances": "distances",
    "weightingNorm": "weighting_norm",
    "force2D": "force_2d",
    "force2Ddimension": "force_2d_dimension",
    "symmetricalGLCM": "symmetrical_glcm",
    "gldm_a": "gldm_alpha",
    "voxelArrayShift": "voxel_array_shift",
    "profile": "profile",
}

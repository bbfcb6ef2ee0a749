"""Features as a DICOM structured report: template TID 1500, a group of measurements a region."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from RadiomicsCoreLib import __version__

from ..engines.native_engine import FAMILIES
from .segments import region_code
from .source import MAKER, SCHEME, SourceScan, short_code

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.sr import (
        Comprehensive3DSR,
        Measurement,
        ObservationContext,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )
    from pydicom.sr.coding import Code

SERIES_NUMBER = 8101
IBSI_SCHEME = "IBSI"
# pyradiomics' definition is another one: kurtosis without the 3 subtracted, axes by the covariance over N, not N - 1.
_NOT_AS_IBSI = ("Kurtosis", "MajorAxisLength", "MinorAxisLength", "LeastAxisLength")


def make_report(
    scan: SourceScan, segmentation: Segmentation, features: Mapping[str, Mapping[str, float]]
) -> Comprehensive3DSR:
    """Return the features of the segments as a structured report.

    Args:
        scan: what was measured.
        segmentation: from :func:`.segments.make_segmentation`.
        features: region -> feature -> value; NaN are left out, and regions that are no segment.

    Reference:
        DICOM PS3.16, TID 1500 (Measurement Report) and TID 1411 (Volumetric ROI Measurements). Features of the original
        image that the Image Biomarker Standardisation Initiative names have its codes.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    numbers = {str(item.SegmentLabel): int(item.SegmentNumber) for item in segmentation.SegmentSequence}
    groups = [
        _group(segmentation, numbers[region], region, row) for region, row in features.items() if region in numbers
    ]
    report = hd.sr.MeasurementReport(
        observation_context=_observer(),
        procedure_reported=codes.cid100.CTUnspecifiedBodyRegion if _is_ct(scan) else codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    return hd.sr.Comprehensive3DSR(
        evidence=[segmentation, *scan.headers],
        content=report,
        series_instance_uid=hd.UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MAKER,
        series_description="Radiomic features",
    )


def _is_ct(scan: SourceScan) -> bool:
    return str(scan.headers[0].get("Modality")) == "CT"


def _observer() -> ObservationContext:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=hd.UID(), name=MAKER, model_name=f"peritumoral-radiomics {__version__}"
    )
    context = hd.sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    return hd.sr.ObservationContext(observer_device_context=context)


def _group(
    segmentation: Segmentation, number: int, region: str, row: Mapping[str, float]
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    import highdicom as hd

    described = segmentation.get_segment_description(number)
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=described.tracking_uid, identifier=region),
        referenced_segment=hd.sr.ReferencedSegment.from_segmentation(segmentation, segment_number=number),
        finding_type=region_code(region),
        measurements=list(_measurements(row)),
    )


def _measurements(row: Mapping[str, float]) -> Iterable[Measurement]:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    for feature, value in row.items():
        if math.isfinite(value):
            yield hd.sr.Measurement(name=feature_code(feature), value=float(value), unit=codes.UCUM.NoUnits)


def feature_code(feature: str) -> Code:
    """Return the code of a feature: IBSI's for those of the original image that it names, ours for the others.

    Example:
        >>> feature_code("original_firstorder_Mean").value, feature_code("logarithm_glcm_Idm").scheme_designator
        ('Q4LE', '99PERITUMORAL')
    """
    from pydicom.sr.coding import Code

    ibsi = _ibsi(feature)
    return Code(ibsi, IBSI_SCHEME, feature[:64]) if ibsi else Code(short_code(feature), SCHEME, feature[:64])


def _ibsi(feature: str) -> str | None:
    image, _, rest = feature.partition("_")
    family, _, name = rest.partition("_")
    if image != "original" or family not in FAMILIES or name in _NOT_AS_IBSI:
        return None
    known = FAMILIES[family].features.get(name)
    return known.ibsi if known else None

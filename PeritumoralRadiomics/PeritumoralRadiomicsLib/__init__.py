"""Regions, preprocessing and radiomic features of tumour and surroundings. Never imports slicer, qt or ctk."""

from RadiomicsCoreLib.front_door import front_door

__getattr__, __dir__, __all__ = front_door(
    __name__,
    {
        "regions.ring_settings": "RingSettings ring_spans",
        "regions.growing": "grow_regions",
        "regions.mask_perturbation": "ContourPerturbation",
        "settings.extraction_settings": "ExtractionSettings",
        "settings.measure_settings": "MeasureSettings",
        "settings.presets": "preset preset_names",
        "settings.parameter_file": "read_parameter_file",
        "engines.extraction": "extract_features",
        "engines.result_file": "read_result",
        "maps.feature_maps": "feature_map map_features",
        "jobs.rings": "RingsJob",
        "jobs.extract": "ExtractJob",
        "jobs.measure": "MeasureJob",
        "jobs.maps": "MapsJob",
    },
)

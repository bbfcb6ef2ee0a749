"""Images and masks in every format that is read: geometry, DICOM series, RTSTRUCT, DICOM SEG."""

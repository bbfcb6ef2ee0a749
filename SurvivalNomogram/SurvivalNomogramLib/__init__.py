"""Cox models, nomograms and their validation. Imports RadiomicsCoreLib alone."""

#!/usr/bin/env bash
# Walk through the panels of this work tree in a Slicer: walk_in_slicer.sh SLICER OUT [MODULE ...], from any folder.
# OUT gets the pictures and walk.txt. Exits as the walk does: 0 all as expected, 1 a check failed, 2 it broke off.
set -euo pipefail
slicer=$1 out=$2
shift 2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
paths=()
for module in PeritumoralRadiomics DeepRadiomicsFusion SurvivalNomogram RadiomicsStudy; do
  paths+=("${root}/${module}")
done
# Slicer as root has no sandbox for its browser; ours needs none.
export QTWEBENGINE_DISABLE_SANDBOX=1
"${slicer}" --no-splash --ignore-slicerrc --disable-settings \
  --additional-module-paths "${paths[@]}" \
  --python-script "${root}/Testing/tools/walk_in_slicer.py" "${out}" "$@"

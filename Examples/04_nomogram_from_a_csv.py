"""From a CSV of patients to a nomogram and its honest C, in ten lines.

python Examples/04_nomogram_from_a_csv.py COHORT.csv OUT    (columns: days, death; all others are covariates)
"""

import sys

from RadiomicsCoreLib.figures.style import save_figure
from SurvivalNomogramLib.nomogram.nomogram_figure import nomogram_figure
from SurvivalNomogramLib.nomogram.points import make_nomogram
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, optimism_corrected_c
from SurvivalNomogramLib.validation.cox_modelling import CoxModelling, ModellingRefit

table = read_survival_table(sys.argv[1], time="days", event="death", missing="median")
modelling = CoxModelling(selection="backward")
model = modelling.fit(table).model
nomogram = make_nomogram(model, table.frame, horizons=[365, 1095])
save_figure(nomogram_figure(nomogram), sys.argv[2])
print(nomogram.points_table().to_string(index=False))
print("first patient:", nomogram.predict(table.frame.iloc[0].to_dict()).survival)
c = optimism_corrected_c(table.time, table.event, ModellingRefit(table, modelling), BootstrapSettings(200))
print(f"C {float(c.apparent):.3f}, corrected for optimism {float(c.corrected):.3f}")
print(*model.warnings, sep="\n")

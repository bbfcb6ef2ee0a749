"""A paragraph for the methods section, made of what was done, with the papers to cite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .checklists.facts import Facts
from .folder import Study

CITATIONS = {
    "pyradiomics": "van Griethuysen JJM et al. Computational radiomics system to decode the radiographic phenotype. "
    "Cancer Res 2017;77:e104. doi 10.1158/0008-5472.CAN-17-0339",
    "ibsi": "Zwanenburg A et al. The image biomarker standardization initiative. Radiology 2020;295:328. "
    "doi 10.1148/radiol.2020191145",
    "cox": "Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187. "
    "doi 10.1111/j.2517-6161.1972.tb00899.x",
    "efron": "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557. "
    "doi 10.1080/01621459.1977.10480613",
    "lasso_cox": "Tibshirani R. The lasso method for variable selection in the Cox model. Stat Med 1997;16:385. "
    "doi 10.1002/(SICI)1097-0258(19970228)16:4<385::AID-SIM380>3.0.CO;2-3",
    "lasso": "Tibshirani R. Regression shrinkage and selection via the lasso. J R Stat Soc B 1996;58:267. "
    "doi 10.1111/j.2517-6161.1996.tb02080.x",
    "harrell": "Harrell FE et al. Multivariable prognostic models. Stat Med 1996;15:361. "
    "doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4",
    "uno": "Uno H et al. On the C-statistics for evaluating overall adequacy of risk prediction. "
    "Stat Med 2011;30:1105. doi 10.1002/sim.4154",
    "delong": "DeLong ER et al. Comparing the areas under two or more correlated ROC curves. Biometrics 1988;44:837. "
    "doi 10.2307/2531595",
    "nadeau": "Nadeau C, Bengio Y. Inference for the generalization error. Mach Learn 2003;52:239. "
    "doi 10.1023/A:1024068626366",
    "decision": "Vickers AJ, Elkin EB. Decision curve analysis. Med Decis Making 2006;26:565. "
    "doi 10.1177/0272989X06295361",
    "icc": "Shrout PE, Fleiss JL. Intraclass correlations. Psychol Bull 1979;86:420. doi 10.1037/0033-2909.86.2.420",
    "fine_gray": "Fine JP, Gray RJ. A proportional hazards model for the subdistribution of a competing risk. "
    "J Am Stat Assoc 1999;94:496. doi 10.1080/01621459.1999.10474144",
    "grad_cam": "Selvaraju RR et al. Grad-CAM. ICCV 2017:618. doi 10.1109/ICCV.2017.74",
    "wu2021": "Wu X et al. Med Phys 2021. doi 10.1002/mp.14767",
    "song2021": "Song C et al. Ann Transl Med 2021. doi 10.21037/atm-21-25",
    "yang2023": "Yang et al. Quant Imaging Med Surg 2023. doi 10.21037/qims-23-577",
    "zhang2024": "Zhang et al. Biomark Res 2024;12:12",
    "liu2025": "Liu et al. Front Oncol 2025. doi 10.3389/fonc.2025.1669200",
}
STUDIES = ("wu2021", "song2021", "yang2023", "zhang2024", "liu2025")


@dataclass(frozen=True)
class Methods:
    """The paragraph with its references, numbered as they come in it."""

    sentences: tuple[str, ...]
    references: tuple[str, ...]


def methods_of(study: Study, facts: Facts) -> Methods:
    """Return the paragraph; sentences on what was not done are absent."""
    references: list[str] = []
    sentences = []
    for text, cited in _sentences(study, facts):
        numbers = []
        for key in cited:
            if CITATIONS[key] not in references:
                references.append(CITATIONS[key])
            numbers.append(str(references.index(CITATIONS[key]) + 1))
        mark = f" [{','.join(numbers)}]" if numbers else ""
        sentences.append(f"{text.rstrip('. ')}{mark}.")
    return Methods(tuple(sentences), tuple(references))


def _sentences(study: Study, facts: Facts) -> Iterator[tuple[str, list[str]]]:
    known = facts.found
    followed = [name for name in STUDIES if name in study.name or name in str(study.job.get("study"))]
    if followed:
        yield f"The analysis follows the recipe {followed[0]}", [followed[0]]
    if "split" in known:
        yield f"Patients were divided as follows: {known['split']}", []
    if "regions" in known:
        yield known["regions"], []
    if "software" in known:
        yield f"Radiomic features were computed with {known['software']}", ["ibsi", "pyradiomics"]
    for word in ("resampling", "preprocessing", "discretisation", "image_types", "feature_number"):
        if word in known:
            yield known[word], []
    if "reliability" in known:
        yield known["reliability"], ["icc"]
    yield from _on_models(study, facts)
    if study.of("explain"):
        yield "Class activation maps show where the network looked", ["grad_cam"]
    if study.stages:
        yield "Settings, versions, seeds and hashes of every stage are recorded", []


def _on_models(study: Study, facts: Facts) -> Iterator[tuple[str, list[str]]]:
    known, verbs = facts.found, {stage.verb for stage in study.stages}
    tables = {name for stage in study.stages for name in stage.tables}
    selects = {str(stage.setting("modelling", "selection")) for stage in study.of("cox")}
    if "reduction" in known:
        yield (
            known["reduction"],
            [*(["lasso_cox"] if "lasso" in selects else []), *(["lasso"] if "fuse" in verbs else [])],
        )
    if "algorithms" in known:
        yield f"Models: {known['algorithms']}", ["cox", "efron"] if "cox" in verbs else []
    if "missing" in known:
        yield known["missing"], []
    if any(stage.bundle.get("competing") for stage in study.stages):
        yield "Competing events were modelled", ["fine_gray"]
    if "concordance" in tables:
        yield "Discrimination was measured by Harrell's and Uno's concordance", ["harrell", "uno"]
    if "models" in tables:
        yield "The mean AUC of repeated cross-validation has Nadeau and Bengio's interval", ["nadeau"]
    if any(name.startswith("delong") for name in tables):
        yield "AUCs were compared by DeLong's test", ["delong"]
    if any(name.startswith("decision_curve") for name in tables):
        yield "Net benefit was shown as decision curves", ["decision"]
    if "optimism" in known:
        yield known["optimism"], ["harrell"]

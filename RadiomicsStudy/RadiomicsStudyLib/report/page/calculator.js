// The nomogram of a bundle, computed as SurvivalNomogramLib does. Pure functions of the numbers in model.json:
// Testing/unit/study/test_report_calculator.py runs them in Node and in a browser and holds them against predict.
"use strict";

const Nomogram = (() => {
  const FULL_PRECISION = 1e-12;
  const QUANTILE_975 = 1.959963984540054;

  // Number of sorted values that are at most `value` (numpy.searchsorted, side="right").
  function countUpTo(sorted, value) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function stepAt(baseline, time) {
    const place = countUpTo(baseline.times, time);
    return place === 0 ? 0 : baseline.hazard[place - 1];
  }

  // One row of the design matrix: numbers as they are, a category as dummies of all levels but the first.
  function design(model, values) {
    const row = [];
    for (const input of model.inputs) {
      const value = values[input.name];
      if (input.levels) {
        if (!input.levels.includes(value)) throw new Error(`choose a level of ${input.name}`);
        for (const level of input.levels.slice(1)) row.push(level === value ? 1 : 0);
      } else {
        const number = Number(value);
        if (value === "" || value === null || value === undefined || !Number.isFinite(number)) {
          throw new Error(`${input.name} needs a number`);
        }
        row.push(number);
      }
    }
    return row;
  }

  function linearPredictor(model, row) {
    let sum = model.kind === "logistic" ? model.intercept : 0;
    row.forEach((x, k) => {
      sum += (x - (model.center ? model.center[k] : 0)) * model.coefficients[k];
    });
    return sum;
  }

  function pointsOf(model, row) {
    const points = [];
    let place = 0;
    model.inputs.forEach((input, k) => {
      const width = input.levels ? input.levels.length - 1 : 1;
      let effect = 0;
      for (let n = 0; n < width; n += 1) effect += row[place + n] * model.coefficients[place + n];
      place += width;
      const { lowest, highest, per_unit: perUnit } = model.nomogram;
      points.push({
        name: input.name,
        points: (effect - lowest[k]) * perUnit,
        outside: effect < lowest[k] - 1e-9 / perUnit || effect > highest[k] + 1e-9 / perUnit,
      });
    });
    return points;
  }

  // Log-log limits of the survival (Kalbfleisch and Prentice); null where the survival is 0 or 1, as in R.
  function survivalInterval(model, row, predictor, time) {
    const place = countUpTo(model.times, time);
    const hazard = place === 0 ? 0 : model.hazard[place - 1];
    const variance = place === 0 ? 0 : model.variance[place - 1];
    const drift = place === 0 ? row.map(() => 0) : model.drift[place - 1];
    const slope = row.map((x, k) => (x - model.center[k]) * hazard - drift[k]);
    let fromCoefficients = 0;
    slope.forEach((a, p) => slope.forEach((b, q) => {
      fromCoefficients += a * model.covariance[p][q] * b;
    }));
    const risk = Math.exp(predictor);
    const survival = Math.exp(-risk * hazard);
    if (!(survival > 0 && survival < 1)) return { lower: null, upper: null };
    const spread = (QUANTILE_975 * risk * Math.sqrt(variance + fromCoefficients)) / Math.log(survival);
    return {
      lower: Math.exp(Math.log(survival) * Math.exp(-spread)),
      upper: Math.exp(Math.log(survival) * Math.exp(spread)),
    };
  }

  function medianSurvival(model, predictor) {
    const needed = (Math.log(2) / Math.exp(predictor)) * (1 - FULL_PRECISION);
    const at = model.hazard.findIndex((hazard) => hazard >= needed);
    return at < 0 ? Infinity : model.times[at];
  }

  // Cumulative incidence of the event where others compete: cause-specific models combined (Aalen and Johansen).
  function incidence(model, row, time) {
    const causes = [model, ...model.competing];
    const grid = [...new Set(causes.flatMap((cause) => cause.times))].sort((a, b) => a - b).filter((t) => t <= time);
    const risks = causes.map((cause) => {
      let sum = 0;
      row.forEach((x, k) => {
        sum += (x - cause.center[k]) * cause.coefficients[k];
      });
      return Math.exp(sum);
    });
    let together = 0;
    let reached = 0;
    const before = causes.map(() => 0);
    for (const at of grid) {
      const own = causes.map((cause, k) => {
        const now = stepAt(cause, at);
        const step = risks[k] * (now - before[k]);
        before[k] = now;
        return step;
      });
      const all = own.reduce((a, b) => a + b, 0);
      if (all > 0) reached += (own[0] / all) * (Math.exp(-together) - Math.exp(-(together + all)));
      together += all;
    }
    return reached;
  }

  // What `peritumoral predict` says of one patient: values by covariate, and times to predict at.
  function predict(model, values, horizons = model.horizons || []) {
    const row = design(model, values);
    const predictor = linearPredictor(model, row);
    const result = { linear_predictor: predictor };
    if (model.nomogram) {
      result.points = pointsOf(model, row);
      result.total_points = result.points.reduce((sum, one) => sum + one.points, 0);
      result.outside = result.points.filter((one) => one.outside).map((one) => one.name);
    }
    if (model.cutoff !== null) result.risk_group = predictor >= model.cutoff ? "high risk" : "low risk";
    if (model.kind === "logistic") {
      result.probability = 1 / (1 + Math.exp(-predictor));
      return result;
    }
    if (model.competing !== undefined) {
      if (model.competing) result.incidence = horizons.map((time) => ({ time, value: incidence(model, row, time) }));
      return result;
    }
    result.survival = horizons.map((time) => ({
      time,
      value: Math.exp(-Math.exp(predictor) * stepAt(model, time)),
      ...(model.covariance ? survivalInterval(model, row, predictor, time) : {}),
    }));
    result.median_survival = medianSurvival(model, predictor);
    return result;
  }

  // The whole predicted curve, for the picture beside the form.
  function curve(model, values) {
    const row = design(model, values);
    const predictor = linearPredictor(model, row);
    const times = [0, ...model.times, model.last_time];
    return { times, values: times.map((time) => Math.exp(-Math.exp(predictor) * stepAt(model, time))) };
  }

  return { predict, curve };
})();

if (typeof module !== "undefined") module.exports = Nomogram;

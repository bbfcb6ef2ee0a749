// The page's own behaviour: sorting, filters, charts, calculator. Text of the data is set as text, never as HTML.
"use strict";

(() => {
  if (typeof document === "undefined") return;

  const byId = (id) => document.getElementById(id);
  const dataOf = (id) => JSON.parse(byId(id).textContent);

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function fill(select, names, kept) {
    select.replaceChildren(...names.map((name) => element("option", { value: name }, name || "all")));
    if (names.includes(kept)) select.value = kept;
    select.disabled = names.length < 2;
  }

  const unique = (values) => [...new Set(values)];

  // --- tables that sort ---

  function cellValue(row, column) {
    const text = row.cells[column].textContent.trim();
    const number = Number.parseFloat(text.replace("<", "").replace("−", "-"));
    return { text, number: Number.isFinite(number) ? number : null };
  }

  function sortTable(table, column, descending) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, ...cellValue(row, column) }));
    const numeric = rows.some((one) => one.number !== null) && rows.every((one) => one.number !== null || one.text === "");
    rows.sort((a, b) => {
      if ((a.text === "") !== (b.text === "")) return a.text === "" ? 1 : -1; // empty cells last, either way
      const order = numeric ? a.number - b.number : a.text.localeCompare(b.text, undefined, { numeric: true });
      return descending ? -order : order;
    });
    body.replaceChildren(...rows.map((one) => one.row));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sortTable(table, column, descending);
      });
    });
  }

  // --- models, checklists ---

  const cohort = byId("model-cohort");
  if (cohort) {
    cohort.addEventListener("change", () => {
      for (const row of document.querySelectorAll("#model-tables tbody tr")) {
        row.hidden = cohort.value !== "" && row.dataset.cohort !== cohort.value;
      }
    });
  }

  const open = byId("checklist-open");
  if (open) open.addEventListener("change", () => byId("checklists").classList.toggle("only-open", open.checked));

  // --- case gallery ---

  const gallery = byId("case-list");
  if (gallery) {
    const cards = [...gallery.children];
    const by = byId("case-sort");
    const only = byId("case-problems");
    const number = (card, name) => {
      const value = Number.parseFloat(card.dataset[name]);
      return Number.isFinite(value) ? value : Infinity;
    };
    const compare = {
      weight: (a, b) => number(b, "weight") - number(a, "weight"),
      name: () => 0,
      volume: (a, b) => number(a, "volume") - number(b, "volume"),
      retained: (a, b) => number(a, "retained") - number(b, "retained"),
      voxels: (a, b) => number(a, "voxels") - number(b, "voxels"),
    };
    const byName = (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true });
    const show = () => {
      const ordered = [...cards].sort((a, b) => compare[by.value](a, b) || byName(a, b));
      gallery.replaceChildren(...ordered);
      let shown = 0;
      for (const card of cards) {
        card.hidden = only.checked && card.dataset.problems === "0";
        shown += card.hidden ? 0 : 1;
      }
      byId("case-count").textContent = `${shown} of ${cards.length} shown`;
    };
    by.addEventListener("change", show);
    only.addEventListener("change", show);
    show();

    const viewer = byId("viewer");
    gallery.addEventListener("click", (event) => {
      const button = event.target.closest(".zoom");
      if (!button) return;
      const picture = viewer.querySelector("img");
      picture.src = button.firstElementChild.src;
      picture.alt = button.firstElementChild.alt;
      viewer.showModal();
    });
  }

  // --- charts ---

  const hasPlotly = typeof Plotly !== "undefined";
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // Plotly reads a few HTML tags in names and labels: whatever the data say is shown as it stands.
  function harmless(value, key = "") {
    if (typeof value === "string") return key === "hovertemplate" ? value : escaped(value);
    if (Array.isArray(value)) return value.map((item) => harmless(item));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, harmless(item, name)]));
    }
    return value;
  }

  function layoutOf(layout, height) {
    const narrow = window.innerWidth < 640;
    const axis = { gridcolor: "#e3e8ee", zerolinecolor: "#c9d1da", linecolor: "#8b97a6", ticks: "outside", automargin: true };
    return {
      font: { family: "system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif", size: narrow ? 12 : 14, color: "#1c2733" },
      paper_bgcolor: "#fff",
      plot_bgcolor: "#fff",
      margin: { l: narrow ? 52 : 66, r: 16, t: 12, b: 56 },
      legend: { orientation: "h", y: -0.22, yanchor: "top", x: 0 },
      hoverlabel: { align: "left" },
      hovermode: "closest",
      ...layout,
      height: layout.height || height,
      xaxis: { ...axis, ...layout.xaxis },
      yaxis: { ...axis, ...layout.yaxis },
      shapes: (layout.shapes || []).map((shape) => ({ line: { color: "#6b7280", width: 1, dash: "dot" }, ...shape })),
    };
  }

  const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };

  function numbersOf(chart) {
    const rows = [];
    for (const trace of chart.traces) {
      if (trace.hoverinfo === "skip" && trace.showlegend === false) continue;
      const xs = trace.x || [];
      const ys = trace.y || [];
      if (trace.z) trace.z.forEach((line, r) => line.forEach((z, c) => rows.push([ys[r], xs[c], z])));
      else ys.forEach((y, k) => rows.push([trace.name || "", xs.length ? xs[k] : (trace.text || [])[k], y]));
    }
    return rows.slice(0, 500);
  }

  function showNumbers(chart) {
    const table = byId("chart-numbers").querySelector("table");
    const shown = (value) => (typeof value === "number" ? String(Number(value.toPrecision(5))) : value === null || value === undefined ? "" : String(value));
    table.tHead.replaceChildren(element("tr", {}, ...["series", "x", "y"].map((name) => element("th", { scope: "col" }, name))));
    table.tBodies[0].replaceChildren(...numbersOf(chart).map((row) => element("tr", {}, ...row.map((value) => element("td", {}, shown(value))))));
  }

  if (hasPlotly && byId("chart")) {
    const charts = dataOf("chart-data");
    const [kind, model, part] = ["chart-kind", "chart-model", "chart-cohort"].map(byId);
    const draw = () => {
      const ofKind = charts.filter((chart) => chart.kind === kind.value);
      fill(model, unique(ofKind.map((chart) => chart.model)), model.value);
      const ofModel = ofKind.filter((chart) => chart.model === model.value);
      fill(part, unique(ofModel.map((chart) => chart.cohort)), part.value);
      const chart = ofModel.find((one) => one.cohort === part.value) || ofModel[0];
      byId("chart").setAttribute("aria-label", `${chart.kind}, ${chart.model}, ${chart.cohort}`);
      byId("chart-says").textContent = chart.says;
      Plotly.react(byId("chart"), harmless(chart.traces), layoutOf(harmless(chart.layout), 440), CONFIG);
      showNumbers(chart);
    };
    fill(kind, unique(charts.map((chart) => chart.kind)), "");
    for (const select of [kind, model, part]) select.addEventListener("change", draw);
    draw();
  }

  // --- calculator ---

  const form = byId("calculator-form");
  if (form) {
    const models = dataOf("calculator-data");
    const select = byId("calculator-model");
    select.replaceChildren(...models.map((one, k) => element("option", { value: String(k) }, one.title)));
    select.disabled = models.length < 2;
    const chosen = () => models[Number(select.value)].model;

    const field = (input, k) => {
      const id = `value-${k}`;
      const control = input.levels
        ? element("select", { id, name: input.name }, ...input.levels.map((level) => element("option", { value: level }, level)))
        : element("input", { id, name: input.name, type: "number", step: "any", value: String(input.start), required: true });
      const range = input.low === undefined ? "" : ` trained on ${input.low} to ${input.high}`;
      return element("div", {}, element("label", { for: id }, input.name, element("span", { class: "hint" }, range)), control);
    };

    const percent = (value) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`);
    const answer = (name, value, more = "") =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value, more ? element("span", {}, more) : ""));

    function answersOf(model, result) {
      const unit = (model.time_unit || "").replace(/s$/, "");
      const list = [];
      if (result.total_points !== undefined) list.push(answer("Total points", result.total_points.toFixed(1)));
      list.push(answer("Linear predictor", result.linear_predictor.toFixed(3)));
      if (result.risk_group) list.push(answer("Risk group", result.risk_group));
      if (result.probability !== undefined) list.push(answer("Probability", percent(result.probability)));
      for (const one of result.survival || []) {
        const interval = one.lower === undefined || one.lower === null ? "" : `95 % interval ${percent(one.lower)} to ${percent(one.upper)}`;
        list.push(answer(`Survival at ${one.time} ${unit}s`, percent(one.value), interval));
      }
      for (const one of result.incidence || []) list.push(answer(`Incidence at ${one.time} ${unit}s`, percent(one.value)));
      if (result.median_survival !== undefined) {
        const median = Number.isFinite(result.median_survival) ? `${Number(result.median_survival.toPrecision(6))} ${unit}s` : "not reached";
        list.push(answer("Median survival", median));
      }
      return element("dl", { class: "answers" }, ...list);
    }

    function pointsTable(points) {
      const most = Math.max(100, ...points.map((one) => Math.abs(one.points)));
      const rows = points.map((one) => {
        const bar = element("div", { class: "bar" });
        bar.style.width = `${Math.max(0, Math.min(100, (100 * one.points) / most))}%`;
        return element("tr", {}, element("th", { scope: "row" }, one.name), element("td", { class: "number" }, one.points.toFixed(1)), element("td", { style: "width:50%" }, bar));
      });
      const head = element("tr", {}, ...["Covariate", "Points", "Of 100"].map((name) => element("th", { scope: "col" }, name)));
      return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    }

    function drawCurve(model, values) {
      const place = byId("calculator-curve");
      place.hidden = model.kind !== "cox" || model.competing !== undefined || !hasPlotly;
      if (place.hidden) return;
      const curve = Nomogram.curve(model, values);
      const line = { type: "scatter", mode: "lines", x: curve.times, y: curve.values, line: { shape: "hv", color: "#0072B2", width: 2.4 } };
      const layout = { xaxis: { title: { text: `Time (${model.time_unit})` }, rangemode: "tozero" }, yaxis: { title: { text: "Free of the event" }, range: [0, 1.03] } };
      Plotly.react(place, [line], layoutOf(layout, 270), { ...CONFIG, displayModeBar: false });
    }

    function compute() {
      const model = chosen();
      const values = Object.fromEntries([...form.elements].filter((one) => one.name).map((one) => [one.name, one.value]));
      const place = byId("calculator-result");
      try {
        const result = Nomogram.predict(model, values);
        const parts = [answersOf(model, result)];
        if (result.outside && result.outside.length) {
          parts.push(element("p", { class: "box warn" }, `Outside of what the model was trained on: ${result.outside.join(", ")}. The model is extrapolated.`));
        }
        if (model.competing === null) parts.push(element("p", { class: "note" }, "Competing events have other covariates: ask peritumoral predict for incidences."));
        if (result.points) parts.push(pointsTable(result.points));
        place.replaceChildren(...parts);
        drawCurve(model, values);
      } catch (error) {
        place.replaceChildren(element("p", { class: "box warn" }, error.message));
      }
    }

    const build = () => {
      form.replaceChildren(...chosen().inputs.map(field));
      compute();
    };
    form.addEventListener("input", compute);
    form.addEventListener("submit", (event) => event.preventDefault());
    select.addEventListener("change", build);
    build();
  }

  // --- print: figures are shown, what is folded stays folded ---

  const folded = [];
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.printed:not([open])")) {
      details.open = true;
      folded.push(details);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const details of folded.splice(0)) details.open = false;
  });
})();

// The usage page. Everything that comes from callers is put in as text nodes: nothing of it can become markup.

const WINDOW_SECONDS = 300;
const RATE_SECONDS = 10;
const MAX_ROWS = 100;
const MAX_RELAYS = 50;
const SERIES = 5;
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
const rateFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const scoreFormat = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const percentFormat = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** Seconds that have been heard of, oldest first. */
let seconds = [];
/** The last relays, newest first. */
let relays = [];
let ledger;
let openedMs = Date.now();
let nowMs = Date.now();
let isPaused = false;
let source;

const share = (part, all) => all === 0 ? "–" : percentFormat.format(part / all);
const nameOf = (text) => text === "" ? "(none)" : text;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes a table's body show these rows, and changes only what is different. A cell is [text, class]. */
function showRows(body, rows, emptyText) {
  const shown = rows.length > 0 ? rows : [[[emptyText, "empty"]]];
  while (body.rows.length > shown.length) body.deleteRow(-1);
  shown.forEach((cells, index) => {
    let row = body.rows[index];
    if (row === undefined || row.cells.length !== cells.length) {
      row?.remove();
      row = document.createElement("tr");
      cells.forEach((_, column) => {
        const isHeader = column === 0 && rows.length > 0;
        const cell = document.createElement(isHeader ? "th" : "td");
        if (isHeader) cell.scope = "row";
        row.append(cell);
      });
      body.insertBefore(row, body.rows[index] ?? null);
    }
    cells.forEach(([content, className = ""], column) => {
      const cell = row.cells[column];
      if (cell.className !== className) cell.className = className;
      if (content instanceof Node) cell.replaceChildren(content);
      else setText(cell, content);
    });
    if (rows.length === 0) row.cells[0].colSpan = 20;
  });
}

const number = (text, more = "") => [text, `number ${more}`.trim()];

/** Adds up the members of entries that have the same key. */
function addUp(entries, keyOf, members) {
  const sums = new Map();
  for (const entry of entries) {
    const key = keyOf(entry);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, sum = { ...entry, ...Object.fromEntries(members.map((name) => [name, 0])) });
    for (const name of members) sum[name] += entry[name];
  }
  return [...sums.values()];
}

/** The colours of the projects that the chart shows; one keeps its own as long as it is there. */
const colours = new Map();

function colourOf(name) {
  if (!colours.has(name)) {
    const taken = new Set(colours.values());
    colours.set(name, Array.from({ length: SERIES }, (_, index) => index).find((index) => !taken.has(index)));
  }
  return `series-${colours.get(name)}`;
}

const wanted = () => byId("project").value;
const isWanted = ({ project }) => wanted() === "" || project === wanted();

function render() {
  const projects = seconds.flatMap((second) => second.projects);
  showChoices(projects);
  const lastSeconds = Math.min(RATE_SECONDS, Math.max(1, (nowMs - openedMs) / 1000));
  const recent = seconds.filter(({ timeUnixMs }) => timeUnixMs > nowMs - lastSeconds * 1000);
  showFigures(recent.flatMap((second) => second.projects).filter(isWanted), projects.filter(isWanted), lastSeconds);
  showChart();
  showProjects(projects.filter(isWanted), recent, lastSeconds);
  showMethods();
  showProviders();
  showLedger();
  showRelays();
}

function showChoices(projects) {
  const select = byId("project");
  const known = new Set([...select.options].map((option) => option.value));
  for (const { project } of projects) {
    if (known.has(project) || known.size > 500) continue;
    known.add(project);
    select.append(new Option(nameOf(project), project));
  }
}

function showFigures(recent, all, lastSeconds) {
  const sum = (entries, name) => entries.reduce((total, entry) => total + entry[name], 0);
  const rate = (name) => rateFormat.format(sum(recent, name) / lastSeconds);
  setText(byId("requests"), rate("requests"));
  setText(byId("units"), rate("units"));
  setText(byId("deliveries"), rate("deliveries"));
  setText(byId("subscribes"), whole.format(sum(all, "subscribes")));
  const requests = sum(all, "requests");
  setText(byId("failed"), share(sum(all, "failed"), requests));
  byId("failed").className = sum(all, "failed") > 0 ? "bad" : "";
  setText(byId("cached"), share(sum(all, "cacheHits"), requests));
}

/** Areas on top of each other, one for each of the largest projects. */
function showChart() {
  const units = new Map();
  const totals = new Map();
  for (const { timeUnixMs, projects } of seconds) {
    const at = WINDOW_SECONDS - 1 - Math.floor((nowMs - timeUnixMs) / 1000);
    if (at < 0) continue;
    for (const entry of projects.filter(isWanted)) {
      if (!units.has(entry.project)) units.set(entry.project, new Float64Array(WINDOW_SECONDS));
      units.get(entry.project)[at] += entry.units;
      totals.set(entry.project, (totals.get(entry.project) ?? 0) + entry.units);
    }
  }
  const names = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a));
  const largest = names.slice(0, SERIES);
  for (const name of [...colours.keys()].filter((name) => !largest.includes(name))) colours.delete(name);
  const series = largest.map((name) => ({ name: nameOf(name), values: units.get(name), colour: colourOf(name) }));
  if (names.length > SERIES) {
    const values = new Float64Array(WINDOW_SECONDS);
    for (const name of names.slice(SERIES)) units.get(name).forEach((value, at) => values[at] += value);
    series.push({ name: `${names.length - SERIES} others`, values, colour: `series-${SERIES}` });
  }
  const tops = new Float64Array(WINDOW_SECONDS);
  for (const { values } of series) values.forEach((value, at) => tops[at] += value);
  const top = Math.max(1, ...tops);
  const x = (at) => (at / (WINDOW_SECONDS - 1) * 600).toFixed(1);
  const y = (value) => (160 - value / top * 156).toFixed(1);
  const floor = new Float64Array(WINDOW_SECONDS);
  const paths = series.map(({ values, colour }) => {
    const under = Array.from(floor, (value, at) => `${x(at)},${y(value)}`);
    values.forEach((value, at) => floor[at] += value);
    const over = Array.from(floor, (value, at) => `${x(at)},${y(value)}`);
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${over.join("L")}L${under.reverse().join("L")}Z`);
    path.setAttribute("class", colour);
    return path;
  });
  const chart = byId("chart");
  chart.replaceChildren(...paths);
  setText(byId("chart-top"), `highest: ${short.format(series.length > 0 ? top : 0)}`);
  const summary = series.map(({ name, values }) => `${name}: ${whole.format(values.reduce((a, b) => a + b, 0))} units`);
  chart.setAttribute("aria-label", summary.length > 0 ? `In 5 minutes, ${summary.join("; ")}` : "No data yet");
  const legend = byId("legend");
  while (legend.children.length > series.length) legend.lastElementChild.remove();
  series.forEach(({ name, colour }, index) => {
    let item = legend.children[index];
    if (item === undefined) {
      item = document.createElement("li");
      item.append(document.createElement("span"));
      legend.append(item);
    }
    item.className = colour;
    setText(item.firstElementChild, name);
  });
}

function showProjects(projects, recent, lastSeconds) {
  const keyOf = ({ project, chain }) => JSON.stringify([project, chain]);
  const rates = new Map();
  for (const entry of recent.flatMap((second) => second.projects)) {
    rates.set(keyOf(entry), (rates.get(keyOf(entry)) ?? 0) + entry.units / lastSeconds);
  }
  const sums = addUp(projects, keyOf, ["requests", "failed", "cacheHits", "units"]).sort((a, b) => b.units - a.units);
  const rows = sums.slice(0, MAX_ROWS).map((sum) => [
    [nameOf(sum.project), "name"],
    [sum.chain],
    number(whole.format(sum.units)),
    number(rateFormat.format(rates.get(keyOf(sum)) ?? 0)),
    number(whole.format(sum.requests)),
    number(share(sum.failed, sum.requests), sum.failed > 0 ? "bad" : ""),
    number(share(sum.cacheHits, sum.requests)),
  ]);
  showRows(byId("projects"), rows, "Nothing yet.");
}

function showMethods() {
  const all = seconds.flatMap((second) => second.methods).filter(isWanted);
  const sums = addUp(all, ({ method }) => method, ["requests", "failed", "units"]).sort((a, b) => b.units - a.units);
  const rows = sums.slice(0, 20).map((sum) => [
    [nameOf(sum.method), "name"],
    number(whole.format(sum.units)),
    number(whole.format(sum.requests)),
    number(share(sum.failed, sum.requests), sum.failed > 0 ? "bad" : ""),
  ]);
  showRows(byId("methods"), rows, "Nothing yet.");
}

function showProviders() {
  const providers = new Map();
  for (const score of seconds.flatMap((second) => second.scores)) {
    const key = JSON.stringify([score.chain, score.provider]);
    if (!providers.has(key)) providers.set(key, []);
    providers.get(key).push(score);
  }
  byId("no-providers").hidden = providers.size > 0;
  byId("providers-table").hidden = providers.size === 0;
  const rows = [...providers.values()].slice(0, MAX_ROWS).map((scores) => {
    const last = scores.at(-1);
    return [
      [nameOf(last.provider), "name"],
      [last.chain],
      number(scoreFormat.format(last.composite)),
      [lineOf(scores)],
      number(scoreFormat.format(last.availability)),
      number(scoreFormat.format(last.latency)),
      number(scoreFormat.format(last.sync)),
    ];
  });
  showRows(byId("providers"), rows, "Nothing yet.");
}

function lineOf(scores) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "line");
  svg.setAttribute("viewBox", "0 0 100 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const values = scores.map(({ composite }) => composite);
  const range = `${scoreFormat.format(Math.min(...values))} to ${scoreFormat.format(Math.max(...values))}`;
  svg.setAttribute("aria-label", `between ${range}`);
  const line = document.createElementNS(SVG, "polyline");
  const at = ({ timeUnixMs }) => 100 - (nowMs - timeUnixMs) / (WINDOW_SECONDS * 10);
  line.setAttribute("points", scores.map((score) => `${at(score)},${19 - 18 * score.composite}`).join(" "));
  line.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(line);
  return svg;
}

function showLedger() {
  byId("ledger-section").hidden = ledger === undefined;
  if (ledger === undefined) return;
  const { accepted, exported, queued, inFlight, spooled } = ledger;
  const reasons = Object.entries(ledger.dropped).filter(([, count]) => count > 0);
  const dropped = reasons.reduce((sum, [, count]) => sum + count, 0);
  const text = (count) => whole.format(count);
  setText(
    byId("equation"),
    `accepted ${text(accepted)} = exported ${text(exported)} + dropped ${text(dropped)} + queued ${text(queued)}` +
      ` + in flight ${text(inFlight)} + spooled ${text(spooled)}`,
  );
  const rest = accepted - exported - dropped - queued - inFlight - spooled;
  setText(byId("verdict"), rest === 0 ? "The equation holds." : `The equation does not hold: it is off by ${rest}.`);
  byId("verdict").className = `verdict ${rest === 0 ? "good" : "bad"}`;
  setText(byId("drops"), reasons.map(([reason, count]) => `dropped as ${reason}: ${text(count)}`).join(", "));
}

function showRelays() {
  const rows = relays.filter(isWanted).slice(0, MAX_RELAYS).map((relay) => [
    [new Date(relay.timeUnixMs).toISOString().slice(11, 23), "time"],
    [nameOf(relay.project), "name"],
    [relay.chain],
    [nameOf(relay.method), "name"],
    number(whole.format(relay.units)),
    number(whole.format(relay.latencyMs)),
    relay.success ? [relay.cacheHit ? "from cache" : "answered"] : ["failed", "bad"],
    [nameOf(relay.provider), "name"],
  ]);
  showRows(byId("relays"), rows, "Nothing yet.");
}

function setStatus(state, text) {
  byId("status").dataset.state = state;
  setText(byId("status"), text);
}

function take(second) {
  nowMs = second.timeUnixMs;
  seconds.push(second);
  const oldest = nowMs - WINDOW_SECONDS * 1000;
  seconds = seconds.filter(({ timeUnixMs }) => timeUnixMs > oldest);
  relays = [...second.relays, ...relays].slice(0, 4 * MAX_RELAYS);
  if (second.ledger !== undefined) ledger = second.ledger;
}

function connect() {
  if (source !== undefined) return;
  source = new EventSource("events");
  source.addEventListener("hello", ({ data }) => {
    const hello = JSON.parse(data);
    if (hello.past.length > 0 || seconds.length === 0) {
      seconds = [];
      relays = [];
      hello.past.forEach(take);
      openedMs = hello.past[0]?.timeUnixMs ?? hello.nowUnixMs;
    }
    nowMs = hello.nowUnixMs;
    setStatus(isPaused ? "paused" : "live", isPaused ? "paused" : "live");
    render();
  });
  source.addEventListener("tick", ({ data }) => {
    take(JSON.parse(data));
    if (!isPaused) render();
  });
  source.addEventListener("error", () => setStatus("lost", "no connection; trying again"));
}

/** A page that nobody sees asks for nothing. */
function disconnect() {
  source?.close();
  source = undefined;
}

function chooseTheme(theme) {
  if (theme === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function remembered() {
  try {
    return localStorage.getItem("theme") ?? "";
  } catch {
    return "";
  }
}

byId("project").addEventListener("change", render);
byId("theme").addEventListener("change", ({ target }) => {
  chooseTheme(target.value);
  try {
    localStorage.setItem("theme", target.value);
  } catch {
    // It holds for this page then.
  }
});
byId("pause").addEventListener("click", ({ target }) => {
  isPaused = !isPaused;
  target.setAttribute("aria-pressed", String(isPaused));
  setStatus(isPaused ? "paused" : "live", isPaused ? "paused" : "live");
  if (!isPaused) render();
});
document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connect());

byId("theme").value = remembered();
chooseTheme(remembered());
connect();

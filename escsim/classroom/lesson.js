// The lesson: shows one screen after another of the data that escsim embedded in this page. It looks numbers up and never makes one.
//
//   lesson   what escsim.lesson.lesson gave: screens, story, tables        words   one strings file, such as en.yaml
//   state    what the class has done: the only thing that changes; a screen is drawn anew from it each time
//
// Read on in this order: words, elements, charts, pictures, votes, screens, moves, drawing, start.
"use strict";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const at = (id) => document.getElementById(id);
const lesson = read("lesson");
const words = read("words");
const MIRRORED = words.direction === "rtl";
const [AHEAD, BACK_TO] = MIRRORED ? ["\u2190", "\u25b6"] : ["\u2192", "\u25c0"]; // arrows in a line of text
const DAY = 86400000;
const TOKENS = 20;
const SIZES = 4; // of text

const state = {
  ...lesson.options, // how it opens: text, notes, keys
  screen: lesson.options.start - 1,
  votes: {}, // of each question put to the class: hands by option
  why: {}, // screens whose reasons are open
  drawn: 0, // histories drawn so far
  stop: lesson.slider ? lesson.slider.start : 0,
  branch: 0,
  table: false,
};

// ---- words

const plural = new Intl.PluralRules(words.locale);
const whole = new Intl.NumberFormat(words.locale, { maximumFractionDigits: 0 });
const plus = new Intl.NumberFormat(words.locale, { signDisplay: "always" });
const tenth = new Intl.NumberFormat(words.locale, { maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat(words.locale, { maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" });
const dates = (parts) => new Intl.DateTimeFormat(words.locale, { ...parts, timeZone: "UTC" });
const longDate = dates({ day: "numeric", month: "long", year: "numeric" });
const [shortDate, monthDate] = [dates({ day: "numeric", month: "short" }), dates({ month: "short", year: "numeric" })];
const years = Date.parse(lesson.period[1]) - Date.parse(lesson.period[0]) > 330 * DAY; // a story that needs them
const briefDate = years ? dates({ day: "numeric", month: "short", year: "numeric" }) : shortDate;
const [eitherOf, allOf] = ["disjunction", "conjunction"].map((type) => new Intl.ListFormat(words.locale, { type }));

const time = (day) => Date.parse(day);
const long = (day) => longDate.format(time(day));
const short = (day) => briefDate.format(time(day));
const exact = (text, day) => (text.length === 10 ? day(text) : text.length === 7 ? monthDate.format(time(text)) : text); // 2021-04-16, 2021-04, 2021
const own = (text) => (MIRRORED ? `\u2068${text}\u2069` : text); // the file's words keep their own direction
const statuses = Object.fromEntries(lesson.statuses.map((each, rank) => [each.key, { ...each, rank }]));
const status = (key) => words.terms[key] ?? own(statuses[key].name);
const action = (key) => words.terms[key] ?? own(lesson.actions[key]);
const eventName = (id) => own(lesson.events[id].name);
const actor = (key) => own(lesson.actors[key] ?? key);
const mission = (key) => say("mission", { sender: actor(key.split("->")[0]), host: actor(key.split("->")[1]) });
const tag = (key) => own(key.replace("->", "\u2192"));
const moved = ([who, from, to]) => `${tag(who)}: ${status(from)} ${AHEAD} ${status(to)}`;
const hundred = (share) => (share > 0 && share < 0.005 ? say("under_one") : share < 1 && share > 0.995 ? say("over_99") : whole.format(100 * share));
const span = (n) => (n < 365 ? say("days", { n }) : say("years", { n: Math.round(n / 36.5) / 10 }));
const percent = (share) => tenth.format(100 * share);
const points = (share) => signed.format(100 * share);

// The date of a step as well as it is known.
function when({ day, dated }, form) {
  if (!dated) return form(day);
  const [low, high] = dated.match(/\d{4}(-\d\d){0,2}/g).map((text) => exact(text, form));
  return high ? say("interval", { low, high }) : dated.startsWith("about") ? say("about", { n: low }) : low;
}

// What stands in the place of a name in braces goes by that name; the others are numbers or texts as they are.
const FORMS = {
  // what the scenario names
  event: eventName, by: eventName, mission, status, from: status, to: status, action, text: own, question: own,
  unit: (key) => (key.includes("->") ? mission(key) : say("pair", { one: actor(key.split("-")[0]), other: actor(key.split("-")[1]) })),
  actors: (keys) => allOf.format(keys.map(actor)),
  statuses: (keys) => eitherOf.format(keys.map(status)),
  actions: (keys) => eitherOf.format(keys.map(action)),
  choice: (name) => own(lesson.choices[name].question),
  option: (text) => own(text ?? say("nothing_done")),
  // days and times
  day: long,
  dates: (days) => allOf.format(days.map(long)),
  took: (hours) => (hours >= 36 ? say("days", { n: Math.round(hours / 2.4) / 10 }) : say("hours", { n: Math.round(hours) })),
  // shares: in 100, in per cent, in points, and their intervals
  share: hundred, before: hundred, percent, now: percent, points,
  interval: ({ low, high }) => say("interval", { low: percent(low), high: percent(high) }),
  reach: ({ low, high }) => say("interval", { low: points(low), high: points(high) }),
  // how many, how long
  count: (n) => whole.format(n), variants: (n) => whole.format(n), span, least: span,
};
const COMMON = { variants: lesson.n, seed: String(lesson.seed), unit: lesson.outcome.unit, day: lesson.period[1], statuses: lesson.mild };

function say(key, values = {}) {
  let text = words[key];
  if (typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
  const known = { ...COMMON, ...values };
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = known[name];
    return FORMS[name] ? FORMS[name](value) : typeof value === "number" ? (Math.abs(value) < 100 ? tenth : whole).format(value) : value;
  });
}

const outcomeText = () => (lesson.outcome.text ? own(lesson.outcome.text) : say("outcome", lesson.outcome));

// ---- elements

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node[name] = value;
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const el = (name, attributes = {}, ...children) => build(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) => build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
const p = (text, kind) => el("p", { class: kind }, text);
const para = (key, values) => p(say(key, values)); // and in other sizes
const [small, big, ask] = ["small", "big", "ask"].map((kind) => (key, values) => p(say(key, values), kind));
const quoted = (text, kind) => el("p", { class: kind, dir: "auto" }, text); // a paragraph of the file's own words
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const pen = document.createElement("canvas").getContext("2d");

// An ordered list with the numbers of the language.
function numbered(items, kind) {
  items.forEach((item, place) => (item.style.listStyleType = `"${whole.format(place + 1)}. "`));
  return el("ol", { class: kind }, items);
}

function table(head, rows, caption) {
  const line = (cells, name) => el("tr", {}, cells.map((cell) => el(name, {}, String(cell))));
  return el("table", {}, caption && el("caption", {}, caption), el("thead", {}, line(head, "th")), el("tbody", {}, rows.map((row) => line(row, "td"))));
}

const data = (...tables) => el("div", { class: "data", tabindex: 0 }, tables);
const button = (key, text, onclick, more = {}) =>
  el("button", { type: "button", onclick, "aria-keyshortcuts": key, ...more }, el("kbd", { dir: "ltr" }, key), " ", text);

// ---- charts: shapes in pixels of the screen, so that text keeps its size; x runs the way the language is read

class Chart {
  constructor(width, height, label) {
    Object.assign(this, { width, height, em: rem() });
    this.svg = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, direction: "ltr" });
  }
  x = (value) => (MIRRORED ? this.width - value : value);
  add(name, attributes, ...children) {
    const node = svg(name, attributes, ...children);
    this.svg.append(node);
    return node;
  }
  rect(x, y, width, height, attributes) {
    return this.add("rect", { x: MIRRORED ? this.width - x - width : x, y, width: Math.max(0, width), height: Math.max(0, height), ...attributes });
  }
  points = (corners) => corners.map(([x, y]) => `${this.x(x).toFixed(1)},${y.toFixed(1)}`).join(" ");
  line = (corners, attributes) => this.add("polyline", { points: this.points(corners), fill: "none", ...attributes });
  shape = (corners, attributes) => this.add("polygon", { points: this.points(corners), ...attributes });
  dot = (x, y, r, attributes) => this.add("circle", { cx: this.x(x), cy: y, r, ...attributes });
  extent(text, size = 1, bold = false) {
    pen.font = `${bold ? "bold " : ""}${size * this.em}px ${getComputedStyle(document.body).fontFamily}`;
    return pen.measureText(text).width;
  }
  // Writes text whose middle is at y, cut where the room ends; gives its width.
  text(x, y, text, { anchor = "start", size = 1, bold = false, room = Infinity, fill = "#111", halo = false } = {}) {
    while (text.length > 1 && this.extent(text, size, bold) > room) text = `${text.replace(/\u2026$/, "").slice(0, -1).trimEnd()}\u2026`;
    const side = MIRRORED ? { start: "end", end: "start", middle: "middle" }[anchor] : anchor;
    const attributes = { x: this.x(x), y, "text-anchor": side, "font-size": size * this.em, fill, "dominant-baseline": "central" };
    const run = MIRRORED ? `\u2067${text}\u2069` : text; // the chart is left to right for its anchors, and what it says need not be
    const free = halo && { stroke: "#fff", "stroke-width": 0.3 * this.em, "paint-order": "stroke" }; // of the lines behind it
    this.add("text", { ...attributes, ...free, "font-weight": bold ? "bold" : undefined }, run);
    return this.extent(text, size, bold);
  }
}

// Labels that would lie over one another are moved apart, in order, within top and bottom.
function apart(places, pitch, top, bottom) {
  const found = [];
  for (const y of places) found.push(Math.max(y, found.length ? found.at(-1) + pitch : top));
  for (let i = found.length - 1, low = bottom; i >= 0; i -= 1, low = found[i + 1] - pitch) found[i] = Math.min(found[i], low);
  return found;
}

// Dates under an axis: those that matter most first, and no two over one another.
function ticks(chart, days, place, y) {
  const told = days.map(time);
  const far = Math.max(...told) - Math.min(...told) > 500 * DAY ? monthDate : shortDate;
  const taken = [];
  for (const day of new Set(days)) {
    const text = far.format(time(day));
    const half = chart.extent(text) / 2 + 0.4 * chart.em;
    const x = Math.min(Math.max(place(day), half), chart.width - half);
    if (taken.some(([from, to]) => x + half > from && x - half < to)) continue;
    taken.push([x - half, x + half]);
    chart.line([[place(day), y - 0.9 * chart.em], [place(day), y - 0.6 * chart.em]], { stroke: "#111" });
    chart.text(x, y, text, { anchor: "middle" });
  }
}

// ---- pictures

// The statuses of all missions after so many steps of history.
function held(steps) {
  const found = { ...lesson.missions };
  for (const step of lesson.steps.slice(0, steps)) for (const [who, , to] of step.moves) found[who] = to;
  return found;
}

const turns = () => lesson.history.slice(1).map(([day]) => day); // the days on which history took another turn
const now = (screen) => (screen.upto ? lesson.steps[screen.upto - 1].day : lesson.period[0]);

// The ladder as it stands: a rung for each status with the missions on it, the ways that are open, and those just taken.
function ladder(chart, screen, top, height) {
  const { em } = chart;
  const [here, moves] = [held(screen.upto), lesson.steps.slice(screen.since, screen.upto).flatMap((step) => step.moves)];
  const [pitch, narrow] = [Math.min(height / lesson.statuses.length, 4.4 * em), chart.width < 28 * em];
  const stacked = narrow && pitch > 2.7 * em; // names above missions
  const [wide, high] = [(narrow ? 0.8 : chart.width < 38 * em ? 0.52 : 0.6) * chart.width, pitch - Math.min(0.9 * em, 0.2 * pitch)];
  top += Math.max(0, (height - pitch * lesson.statuses.length) / 2);
  const middle = (key) => top + (statuses[key].rank + 0.5) * pitch;
  // Draws the way from a status to another, out to the side and back; gives where it is furthest out.
  const way = (from, to, attributes) => {
    const [a, b] = [middle(from), middle(to)];
    const out = wide + Math.min(0.16 * chart.width, (1.2 + 0.8 * Math.abs(statuses[to].rank - statuses[from].rank)) * em);
    chart.add("path", { d: `M${chart.x(wide)} ${a}C${chart.x(out)} ${a} ${chart.x(out)} ${b} ${chart.x(wide)} ${b}`, fill: "none", ...attributes });
    return [wide + 0.75 * (out - wide), (a + b) / 2];
  };
  for (const from of new Set(Object.values(here))) {
    for (const to of new Set(lesson.ways.filter((each) => each[1] === from && each[2] !== from).map((each) => each[2]))) {
      way(from, to, { stroke: "#6b6b6b", "stroke-width": 1.5, "stroke-dasharray": "3 5" });
    }
  }
  for (const { key, fill, ink, glyph } of lesson.statuses) {
    const [y, on] = [middle(key), Object.keys(here).filter((who) => here[who] === key)];
    chart.rect(2, y - high / 2, wide - 2, high, { fill: "#fff", stroke: on.length ? "#111" : "#8a8a8a", "stroke-width": on.length ? 3 : 1, rx: 6 });
    chart.rect(2, y - high / 2, 2.4 * em, high, { fill, stroke: "#222", rx: 6 });
    chart.text(1.2 * em + 2, y, glyph, { anchor: "middle", fill: ink, size: 1.2 });
    const named = chart.text(2.9 * em, stacked && on.length ? y - 0.7 * em : y, status(key), { bold: on.length > 0, room: wide - 3.4 * em });
    chips(chart, on, 2.9 * em + (stacked ? 0 : named + 0.8 * em), stacked ? y + 0.75 * em : y, wide);
  }
  const done = new Map(); // the ways taken since the screen before, with who took them and by which act
  for (const [who, from, to, trigger] of moves) {
    const [x, y] = way(from, to, { stroke: "#111", "stroke-width": 5 });
    chart.shape([[wide, middle(to)], [wide + 0.8 * em, middle(to) - 0.45 * em], [wide + 0.8 * em, middle(to) + 0.45 * em]], { fill: "#111" });
    const known = done.get(`${from} ${to}`) ?? { x, y, acts: new Set(), tags: [] };
    known.acts.add(action(trigger));
    known.tags.push(tag(who));
    done.set(`${from} ${to}`, known);
  }
  const labels = [...done.values()].sort((a, b) => a.y - b.y).slice(0, Math.floor(height / (2.8 * em)));
  if (narrow) return;
  const x = Math.max(...labels.map((each) => each.x)) + 0.6 * em;
  apart(labels.map((each) => each.y - 0.65 * em), 2.8 * em, top + 0.6 * em, top + pitch * lesson.statuses.length - 1.9 * em).forEach((y, i) => {
    const { acts, tags } = labels[i];
    const more = tags.length > 2 ? ` ${plus.format(tags.length - 1)}` : "";
    chart.text(x, y, [...acts].join(", "), { bold: true, room: chart.width - x, halo: true });
    chart.text(x, y + 1.25 * em, more ? tags[0] + more : tags.join(", "), { room: chart.width - x, halo: true });
  });
}

// Missions as chips in a row, as many as there is room for, and how many more there are.
function chips(chart, missions, x, y, end) {
  const { em } = chart;
  missions.every((who, place) => {
    const [width, more] = [chart.extent(tag(who), 1, true) + 0.7 * em, plus.format(missions.length - place)];
    const fits = x + width + 0.2 * em + (place < missions.length - 1 ? chart.extent(more) + 0.6 * em : 0) <= end;
    if (!fits) chart.text(x, y, more, { bold: true });
    else {
      chart.rect(x, y - 0.75 * em, width, 1.5 * em, { fill: "#111", rx: 0.75 * em });
      chart.text(x + width / 2, y, tag(who), { anchor: "middle", bold: true, fill: "#fff" });
    }
    x += width + 0.3 * em;
    return fits;
  });
}

// The missions that have lanes: all if there is room, else those that the lesson is about and those that moved last.
function shownLanes(screen, most) {
  const all = Object.keys(lesson.missions);
  const lately = lesson.steps.slice(0, screen.upto).reverse().flatMap((step) => step.moves.map(([who]) => who));
  const first = all.filter((who) => lesson.unit.split(/->|-/).every((key) => who.split("->").includes(key)));
  const chosen = [...new Set([...first, ...lately, ...all])].slice(0, Math.max(most, 1));
  return all.filter((who) => chosen.includes(who));
}

// A lane of statuses, each from its day to the next, with its glyph and its name where there is room.
function lane(chart, path, x, until, y, high) {
  path.forEach(([day, key], i) => {
    const [{ fill, ink, glyph }, from, to] = [statuses[key], x(time(day)), i + 1 < path.length ? x(time(path[i + 1][0])) : until];
    if (to <= from) return;
    chart.rect(from, y, to - from, high, { fill, stroke: "#222" });
    const text = `${glyph} ${status(key)}`;
    const whole = chart.extent(text) < to - from - 0.8 * chart.em;
    if (to - from > chart.em) chart.text(from + 0.4 * chart.em, y + high / 2, whole ? text : glyph, { fill: ink });
  });
}

// Lanes of status up to now; what is not known yet is grey, and how far it goes depends on the past alone.
function timeline(chart, screen, top, height) {
  const { em } = chart;
  const lanes = shownLanes(screen, Math.floor((height - 4.6 * em) / (1.45 * em)));
  const [start, end] = lesson.period.map(time);
  const [known, today] = [lesson.steps.slice(0, screen.upto), time(now(screen)) + DAY];
  const last = Math.min(end + DAY, today + Math.max(7 * DAY, (today - start) / 2));
  const left = Math.max(...lanes.map((who) => chart.extent(tag(who), 1, true))) + 0.8 * em;
  const place = (when) => left + ((when - start) / (last - start)) * (chart.width - left - 2);
  const hidden = Object.keys(lesson.missions).length - lanes.length;
  if (hidden) chart.text(left - 0.6 * em, top + 2.1 * em, plus.format(hidden), { anchor: "end", bold: true });
  const pitch = Math.min((height - 4.6 * em) / lanes.length, 2.6 * em);
  const first = top + 2.7 * em;
  lanes.forEach((who, number) => {
    const [y, high] = [first + number * pitch, pitch - 0.25 * em];
    const moves = known.flatMap((step) => step.moves.filter(([moved]) => moved === who).map((move) => [step.day, move[2]]));
    chart.text(left - 0.6 * em, y + high / 2, tag(who), { anchor: "end", bold: true });
    chart.rect(place(today), y, chart.width - 2 - place(today), high, { fill: "#ececec", stroke: "#8a8a8a" });
    lane(chart, [[lesson.period[0], lesson.missions[who]], ...moves], place, place(today), y, high);
  });
  const [bottom, middle] = [first + lanes.length * pitch, first + (pitch - 0.25 * em) / 2];
  if (chart.extent(say("unknown")) < chart.width - place(today)) chart.text((place(today) + chart.width) / 2, middle, say("unknown"), { anchor: "middle", fill: "#3d3d3d" });
  known.forEach((step, number) => {
    const [x, y, fresh] = [place(time(step.day) + DAY / 4), top + 2.1 * em, number >= screen.since];
    const r = fresh ? 0.42 * em : 0.28 * em;
    const fill = step.stated ? "#111" : "#fff"; // whether the main report has it
    chart.shape([[x - r, y - r], [x + r, y - r], [x, y + r]], { fill, stroke: "#111", "stroke-width": 2 });
  });
  const shown = screen.event ?? (screen.option !== "nothing" ? screen.option : undefined);
  const main = known.findLast((step) => step.event === shown);
  if (main) {
    const text = eventName(main.event);
    const half = chart.extent(text, 1, true) / 2;
    const x = Math.min(Math.max(place(time(main.day) + DAY / 4), half), chart.width - half);
    chart.text(x, top + 0.9 * em, text, { anchor: "middle", bold: true });
  }
  ticks(chart, [now(screen), lesson.period[0], ...known.map((step) => step.day).reverse()], (day) => place(time(day)), bottom + 1.2 * em);
}

// Where everything stands, for the eye, as a table, and in words.
function standing(screen, box) {
  const here = held(screen.upto);
  const told = Object.keys(here).map((who) => `${mission(who)}: ${status(here[who])}`);
  const label = [say("standing", { day: now(screen) }), ...told].join(". ");
  if (state.table) {
    const stand = table([say("mission_"), say("status_")], Object.entries(here).map(([who, key]) => [mission(who), status(key)]), label);
    const rows = lesson.steps.slice(0, screen.upto).map((step) => [long(step.day), eventName(step.event), step.moves.map(moved).join("; ") || say("none")]);
    return data(stand, rows.length > 0 && table([say("date_"), say("event_"), say("moves_")], rows));
  }
  const [em, rungs, lanes] = [rem(), lesson.statuses.length, Object.keys(here).length];
  const height = box.height ? Math.max(box.height, rungs * 1.5 * em + 10 * em) : rungs * 3.4 * em + lanes * 1.8 * em + 6.4 * em;
  const chart = new Chart(box.width, height, label);
  const room = Math.max(height - lanes * 2.6 * em - 6.4 * em, 0.5 * height, rungs * 1.5 * em);
  const above = box.height ? Math.min(room, height - 10 * em) : rungs * 3.4 * em;
  ladder(chart, screen, 0, above);
  timeline(chart, screen, above + 0.8 * em, height - above - 0.8 * em);
  return chart.svg;
}

// Shares by day, stacked, the worst at the bottom; `ghost` are the shares of the start, and below runs what happened.
function stack(box, { occupancy: shares, ends: rounded }, ghost) {
  const label = say("stack_label");
  const keys = lesson.statuses.map((each) => each.key).reverse();
  const ends = keys.map((key) => say("per_cent", { n: shares[key]?.at(-1) > 0 && !rounded[key] ? say("under_one") : whole.format(rounded[key] ?? 0) }));
  if (state.table) {
    const told = keys.filter((key) => shares[key]).reverse();
    const rows = lesson.days.map((day, place) => [long(day), ...told.map((key) => tenth.format(100 * shares[key][place]))]);
    return data(table([say("date_"), ...told.map((key) => say("per_cent_of", { status: key }))], rows, label));
  }
  const height = Math.max(box.height, 20 * rem());
  const chart = new Chart(box.width, height, `${label}. ${keys.map((key, i) => `${status(key)} ${ends[i]}`).join(", ")}`);
  const { em } = chart;
  const told = (key, i) => `${ends[i]} ${statuses[key].glyph} ${status(key)}`;
  const room = Math.max(...keys.map((key, i) => (shares[key] ? chart.extent(told(key, i), 1, true) : 0)));
  const [left, right, top] = [chart.extent(say("per_cent", { n: whole.format(100) })) + 0.8 * em, chart.width - Math.min(room + 1.2 * em, 0.55 * chart.width), 0.8 * em];
  const bottom = height - 4.4 * em;
  const [start, end] = [time(lesson.days[0]), time(lesson.days.at(-1)) + DAY];
  const x = (when) => left + ((when - start) / (end - start)) * (right - left);
  const y = (share) => bottom - share * (bottom - top);
  const edges = lesson.days.map((day) => x(time(day))).concat(right);
  const stairs = (heights) => heights.flatMap((share, i) => [[edges[i], y(share)], [edges[i + 1], y(share)]]);
  let [low, under] = [1, 2].map(() => lesson.days.map(() => 0));
  const labels = [];
  keys.forEach((key, i) => {
    const high = low.map((share, day) => share + (shares[key]?.[day] ?? 0));
    if (shares[key]) {
      chart.shape([...stairs(high), ...stairs(low).reverse()], { fill: statuses[key].fill, stroke: "#222" });
      labels.unshift({ text: told(key, i), y: y((high.at(-1) + low.at(-1)) / 2) });
    }
    low = high;
  });
  if (ghost) {
    for (const key of keys) {
      under = under.map((share, day) => share + (ghost[key]?.[day] ?? 0));
      if (ghost[key] && under.at(-1) < 0.9999) {
        const edge = under.map((share, day) => [(edges[day] + edges[day + 1]) / 2, y(share)]);
        chart.line(edge, { stroke: "#fff", "stroke-width": 5 });
        chart.line(edge, { stroke: "#111", "stroke-width": 2.5, "stroke-dasharray": "8 5" });
      }
    }
  }
  apart(labels.map((each) => each.y), 1.35 * em, top + 0.7 * em, bottom - 0.4 * em).forEach((place, i) => {
    chart.line([[right, labels[i].y], [right + 0.7 * em, place]], { stroke: "#222" });
    chart.text(right + 0.9 * em, place, labels[i].text, { bold: true, room: chart.width - right - 1 * em });
  });
  for (const share of [0, 0.5, 1]) {
    chart.text(left - 0.4 * em, y(share), say("per_cent", { n: whole.format(100 * share) }), { anchor: "end" });
    chart.line([[left, y(share)], [right, y(share)]], { stroke: "#222", "stroke-opacity": 0.35 });
  }
  const [mark, below] = [x(time(lesson.outcome.day) + DAY), bottom + 0.4 * em];
  chart.line([[mark, top], [mark, below]], { stroke: "#111", "stroke-width": 2, "stroke-dasharray": "2 4" });
  lane(chart, lesson.history, x, right, below, 1.4 * em);
  chart.text(right + 0.9 * em, below + 0.7 * em, say("history"), { room: chart.width - right - em });
  ticks(chart, [lesson.outcome.day, ...turns(), lesson.days[0], lesson.days.at(-1)], (day) => x(time(day)), height - 1.2 * em);
  return chart.svg;
}

// Lines of status by day: the histories drawn, the newest in blue, and what happened in black.
function lines(box, drawn) {
  const label = say("runs_label", { n: drawn.length });
  const counts = lesson.statuses.map((each) => drawn.filter((run) => run.path.at(-1)[1] === each.key).length);
  if (state.table) {
    const rows = drawn.map((run) => [whole.format(run.run), story(run), status(run.path.at(-1)[1])]);
    return data(table([say("run_"), say("event_"), say("ends_")], rows, label));
  }
  const height = Math.max(box.height, lesson.statuses.length * 2 * rem() + 4 * rem());
  const told = lesson.statuses.map((each, i) => (counts[i] ? say("ended", { n: counts[i], status: each.key }) : "")).filter(Boolean);
  const chart = new Chart(box.width, height, [label, ...told].join(". "));
  const { em } = chart;
  const names = lesson.statuses.map((each) => `${each.glyph} ${status(each.key)}`);
  const left = Math.min(Math.max(...names.map((name) => chart.extent(name))) + em, 0.4 * chart.width);
  const [right, bottom] = [chart.width - 3 * em, height - 3 * em];
  const pitch = bottom / lesson.statuses.length;
  const [start, end] = [time(lesson.period[0]), time(lesson.period[1]) + DAY];
  const x = (when) => left + ((when - start) / (end - start)) * (right - left);
  const y = (key) => (statuses[key].rank + 0.5) * pitch;
  names.forEach((name, i) => {
    chart.text(left - 0.6 * em, (i + 0.5) * pitch, name, { anchor: "end", room: left - em });
    chart.line([[left, (i + 0.5) * pitch], [right, (i + 0.5) * pitch]], { stroke: "#bbb" });
    if (counts[i]) chart.text(right + 0.5 * em, (i + 0.5) * pitch, whole.format(counts[i]), { bold: true });
  });
  const trace = (path, shift, attributes) => {
    const ends = [...path.slice(1).map(([day]) => x(time(day))), right];
    chart.line(path.flatMap(([day, key], i) => [[x(time(day)), y(key) + shift], [ends[i], y(key) + shift]]), attributes);
  };
  drawn.forEach((run, i) => {
    const shift = (((run.run * 7) % TOKENS) / (TOKENS - 1) - 0.5) * 0.6 * pitch; // so that lines do not hide one another
    trace(run.path, shift, i === drawn.length - 1 ? { stroke: "#0b57a4", "stroke-width": 4 } : { stroke: "#767676", "stroke-width": 1.5 });
  });
  trace(lesson.history, 0, { stroke: "#111", "stroke-width": 3 });
  ticks(chart, [...lesson.period, ...turns()], (day) => x(time(day)), height - 1.2 * em);
  return chart.svg;
}

// Twenty dots for how long it takes in the variants, with history as a line.
function dotted(box) {
  const { dots, history, text } = lesson.asked;
  const known = dots.filter((dot) => dot !== null);
  const label = say("dots_label", { question: text, n: known.length, text: history === null ? say("never") : say("days", { n: history }) });
  if (state.table) {
    const rows = dots.map((dot, i) => [whole.format(i + 1), dot === null ? say("beyond") : tenth.format(dot)]);
    return data(table([say("part_"), say("days_")], rows, label));
  }
  const height = Math.max(box.height, 16 * rem());
  const chart = new Chart(box.width, height, label);
  const { em } = chart;
  const most = Math.max(1, ...known, typeof history === "number" ? history : 0);
  const beyond = dots.length - known.length;
  const [left, right, bottom] = [1.5 * em, chart.width - (beyond ? 9 : 2) * em, height - 4 * em];
  const x = (days) => left + (days / (1.03 * most)) * (right - left);
  const size = Math.max(0, Math.min(2.2 * em, (right - left) / 14, (bottom - 4 * em) / Math.max(6, beyond)));
  const piles = new Map();
  for (const dot of known) {
    const pile = Math.floor((x(dot) - left) / size);
    const high = piles.get(pile) ?? 0;
    piles.set(pile, high + 1);
    chart.dot(left + (pile + 0.5) * size, bottom - (high + 0.5) * size, 0.45 * size, { fill: "#0b57a4", stroke: "#fff" });
  }
  for (let i = 0; i < beyond; i += 1) chart.dot(right + 4.5 * em, bottom - (i + 0.5) * size, 0.45 * size, { fill: "#fff", stroke: "#0b57a4", "stroke-width": 3 });
  chart.line([[left, bottom], [right, bottom]], { stroke: "#111", "stroke-width": 2 });
  const power = 10 ** Math.floor(Math.log10(most / 3));
  const many = Math.min(6, (right - left) / (chart.extent(tenth.format(most)) + em));
  const pace = [1, 2, 5, 10, 20, 50].map((each) => each * power).find((each) => most / each <= many);
  for (let days = 0; days <= 1.03 * most; days += pace) chart.text(x(days), bottom + 1 * em, tenth.format(days), { anchor: "middle" });
  chart.text((left + right) / 2, bottom + 2.6 * em, say("days_"), { anchor: "middle" });
  if (beyond) chart.text(right + 4.5 * em, bottom + 1 * em, say("beyond"), { anchor: "middle", room: 9 * em });
  if (typeof history === "number") {
    chart.line([[x(history), 2.4 * em], [x(history), bottom]], { stroke: "#111", "stroke-width": 3, "stroke-dasharray": "2 5" });
    const told = `${say("history")}: ${say("days", { n: history })}`;
    const half = chart.extent(told, 1, true) / 2;
    chart.text(Math.min(Math.max(x(history), half), chart.width - half), 1.2 * em, told, { anchor: "middle", bold: true });
  }
  return chart.svg;
}

// ---- votes

const VOTED = ["decide", "guess", "whatif", "quiz"]; // screens that ask the class; those that answer look the hands up again
const ballot = ({ kind, choice, question, when }) =>
  choice ? `choice ${choice}` : kind === "quiz" ? `quiz ${question} ${when}` : ["whatif", "effect"].includes(kind) ? `branch ${state.branch}` : "guess";
const hands = (screen) => state.votes[ballot(screen)] ?? [];
const total = (counts) => counts.reduce((sum, each) => sum + (each ?? 0), 0);

// What may be voted for on a screen, in an order that tells nothing: the options of a decision by their words.
function choices(screen) {
  if (screen.choice) {
    const options = Object.entries(lesson.choices[screen.choice].options).map(([key, option]) => ({ key, text: FORMS.option(option) }));
    return options.sort((a, b) => a.text.localeCompare(b.text, words.locale));
  }
  if (screen.kind === "quiz") return words.quiz[screen.question].answers.map((text, key) => ({ key, text }));
  if (ballot(screen) !== "guess") return ["up", "same", "down"].map((key) => ({ key, text: say(key) }));
  return lesson.asked.options.map((said, key) => ({ key, text: say(...said) }));
}

function vote(number, change) {
  if (!VOTED.includes(current().kind) || !choices(current())[number]) return;
  const counts = (state.votes[ballot(current())] ??= []);
  counts[number] = Math.max(0, (counts[number] ?? 0) + change);
  draw();
}

function voting(screen) {
  const counts = hands(screen);
  const options = choices(screen).map(({ text }, i) => {
    const hand = button(String((i + 1) % 10), text, (event) => vote(i, event.shiftKey ? -1 : 1), { class: "option", id: `option${i + 1}` });
    const back = el("button", { type: "button", onclick: () => vote(i, -1), "aria-label": say("take_back", { text }), disabled: !counts[i] }, "\u2212");
    return el("li", {}, hand, el("span", { class: "count" }, whole.format(counts[i] ?? 0)), back);
  });
  return [el("ol", { class: "options" }, options), small(total(counts) ? "hands" : "vote_hint", { n: total(counts) })];
}

function bar(kind, share, text) {
  const fill = el("span", { class: `fill ${kind}` });
  fill.style.inlineSize = `${100 * share}%`;
  return el("div", { class: "bar" }, el("span", { class: "track" }, fill), el("span", {}, text));
}

// The hands, the model and history beside one another; `marked` is what happened, `model` a share for each option or nothing.
function results(screen, marked, model) {
  const [counts, sum] = [hands(screen), total(hands(screen))];
  return choices(screen).map(({ key, text }, i) => {
    const ours = sum > 0 && bar("class", (counts[i] ?? 0) / sum, say("class_bar", { n: counts[i] ?? 0, count: sum }));
    const happened = key === marked && el("strong", {}, ` ${BACK_TO} ${say(screen.kind === "effect" ? "model_says" : "happened")}`);
    return el("div", { class: key === marked ? "result marked" : "result" }, el("p", {}, text, happened),
      el("div", { class: "bars" }, ours, model && bar("model", model[key], say("model_bar", { share: model[key] }))));
  });
}

// ---- parts of screens

const latest = (screen, id) => lesson.steps.slice(0, screen.upto).findLast((step) => step.event === id);
const reasons = (list) => el("ol", { class: "why" }, list.map(([key, values]) => el("li", {}, say(`why_${key}`, values))));
const exactly = (share) => say("share_small", { percent: share.estimate, interval: share });
const branchText = (branch) => own(branch.text ?? branch.name.replaceAll("_", " "));

function card(step) {
  const who = [step.actors, step.targets].filter((each) => each.length).map(FORMS.actors).join(` ${AHEAD} `);
  return [p(`${when(step, long)} \u00b7 ${who}`, "small"), step.text && quoted(step.text)];
}

function cited(step) {
  const named = step.sources.length ? say("source", { n: step.sources.length, text: step.sources.join("; ") }) : say("no_source");
  return [p(`${named} ${step.confidence ? say(`confidence_${step.confidence}`) : ""}`, "small"), step.disputed && small("disputed", { text: step.disputed })];
}

// What else a screen tells: the steps since the one before, each in a line.
function meanwhile(screen, id) {
  const others = lesson.steps.slice(screen.since, screen.upto).filter((step) => step.event !== id);
  const named = others.map((step) => el("li", {}, `${when(step, short)}: ${eventName(step.event)}`));
  return others.length > 0 && [small("meanwhile"), el("ul", { class: "brief" }, named)];
}

// How often things end well from the morning after a screen, and from the forecast before.
function outlook(screen) {
  const day = screen.outlook;
  if (!day) return null;
  const [told, earlier] = [lesson.outlook[day], Object.keys(lesson.outlook).filter((each) => each < day).at(-1)];
  const values = { unit: lesson.unit, share: told.estimate, before: lesson.outlook[earlier].estimate };
  if (told.estimate === values.before && [0, 1].includes(told.estimate)) return null; // settled, and no news
  return el("div", { class: "outlook" }, para(Object.keys(lesson.outlook).indexOf(day) === 1 ? "outlook_first" : "outlook", values), small("outlook_small", { percent: told.estimate, interval: told, day }));
}

// Forecasts from one morning after another, each with the news since the one before.
function mornings() {
  const days = Object.keys(lesson.outlook);
  const rows = days.map((day, i) => {
    const news = lesson.steps.filter((step) => step.day < day && (i === 0 || step.day >= days[i - 1])).map((step) => eventName(step.event));
    const share = lesson.outlook[day].estimate;
    const told = bar("model", share, say("morning_bar", { percent: share, interval: lesson.outlook[day] }));
    return el("div", { class: "result" }, p([long(day), ...news].join(" \u00b7 ")), told);
  });
  return data(...rows);
}

// The share of an outcome: in twenty, and exactly.
function outcome({ outcome: share }) {
  const n = Math.round(TOKENS * share.estimate);
  const chart = new Chart(14 * rem(), 3 * rem(), say("of_twenty", { n }));
  for (let i = 0; i < TOKENS; i += 1) {
    const [x, y, r] = [(0.75 + 1.35 * (i % 10)) * chart.em, (0.75 + 1.4 * Math.floor(i / 10)) * chart.em, 0.52 * chart.em];
    chart.dot(x, y, r, { "stroke-width": 2, stroke: "#0b57a4", fill: i < n ? "#0b57a4" : "#fff" });
  }
  return [quoted(outcomeText()), chart.svg, big("of_twenty", { n }), p(exactly(share), "small")];
}

function swatch({ fill, ink, glyph }) {
  const chart = new Chart(2.6 * rem(), 2 * rem(), glyph);
  chart.rect(1, 1, chart.width - 2, chart.height - 2, { fill, stroke: "#222", rx: 6 });
  chart.text(chart.width / 2, chart.height / 2, glyph, { anchor: "middle", fill: ink, size: 1.2 });
  return chart.svg;
}

function story(run) {
  const told = run.events.map(([day, id]) => `${short(day)} ${eventName(id)}`);
  return told.length ? told.slice(0, 6).join(` ${AHEAD} `) + (told.length > 6 ? " \u2026" : "") : say("quiet");
}

const sliderName = () => say(...lesson.slider.said);

function branches() {
  const items = lesson.branches.map((branch, i) => {
    const diff = branch.diff.flatMap(([old, other]) => [el("del", {}, `- ${old}\n`), el("ins", {}, `+ ${other}\n`)]);
    const named = el("button", { type: "button", onclick: () => pick(i), dir: "auto", "aria-current": i === state.branch ? "true" : null }, branchText(branch));
    return el("li", {}, named, i === state.branch && el("pre", { dir: "ltr", tabindex: 0 }, diff));
  });
  return el("ol", { class: "branches" }, items);
}

function twins() {
  const { twins: found, differ } = lesson.branches[state.branch];
  if (!found) return { picture: big("twins_same"), talk: [] };
  const title = (side) => el("h2", {}, say(side ? "world_changed" : "world_base"));
  const line = (step, mark) =>
    el("li", { class: mark ? "mark" : null }, mark && el("strong", {}, `${say("parting")} `), `${short(step.day)}: ${eventName(step.event)}`,
      step.moot && ` \u2014 ${say("moot")}`, step.moves.map((move) => el("span", { class: "small" }, moved(move))));
  const column = (side) => {
    const steps = [...found.same.map((step) => line(step)), ...found.apart[side].map((step, i) => line(step, i === 0))];
    const before = [...found.same, ...found.apart[side]].filter((step) => step.day <= lesson.outcome.day).length;
    steps.splice(before, 0, el("li", {}, el("strong", {}, `${long(lesson.outcome.day)}: ${status(found.ends[side])}`)));
    return el("div", {}, title(side), el("ol", { class: "steps" }, steps));
  };
  const because = (side) => [title(side), found.why[side].length ? reasons(found.why[side].slice(0, 4)) : para("world_same")];
  const alike = new Set(found.ends.map((key) => lesson.outcome.statuses.includes(key))).size === 1;
  const talk = [para("twins_told", { n: found.run, count: differ }), alike && small("twins_alike", lesson.outcome), because(0), because(1)];
  return { picture: el("div", { class: "twins" }, column(0), column(1)), talk };
}

function tally() {
  const given = (number, i) => ["before", "after"].map((when) => whole.format(state.votes[`quiz ${number} ${when}`]?.[i] ?? 0));
  const rows = words.quiz.flatMap(({ question, answers, right }, number) =>
    answers.map((text, i) => [i ? "" : question, right === i ? `${text} \u2713` : text, ...given(number, i)]));
  return table([say("question_"), say("answer_"), say("before_"), say("after_")], rows);
}

// The exercise sheet: a page of A4, and a second one with answers if they were asked for.
function sheet() {
  const spoken = ([key, values]) => say(key, { question: outcomeText(), ...values });
  const foot = () => el("footer", {}, el("span", { dir: "ltr" }, `${lesson.name} \u00b7 ${lesson.hash.slice(0, 16)} \u00b7 escsim ${lesson.version}`));
  const page = (title, ...body) => el("section", { class: "page" }, el("h2", {}, `${own(lesson.title)}: ${title}`), body, foot());
  const rules = (room) => Array.from({ length: room }, () => el("div", { class: "rule" }));
  const tasks = lesson.tasks.map(({ task, room }) => el("li", {}, spoken(task), rules(room)));
  if (current().kind === "tally") return [page(say("tally"), tally())];
  return [page(say("sheet"), el("p", {}, say("sheet_name")), numbered(tasks)),
    ...(lesson.options.answers ? [page(say("answers"), numbered(lesson.tasks.map(({ answer }) => el("li", {}, answer.map(spoken).join(" ")))), el("p", {}, say("answers_text")))] : [])];
}

// ---- screens: the heading, the picture on the left, the talk on the right, and what W opens; `box` is the room for the picture

const SCREENS = {
  title: () => {
    const named = ({ key, meaning }) => el("div", {}, el("strong", {}, status(key)), quoted(words.meanings[key] ?? own(meaning), "small"));
    const rungs = lesson.statuses.map((each) => el("li", {}, swatch(each), named(each)));
    const lanes = el("ul", {}, Object.keys(lesson.missions).map((who) => el("li", {}, `${tag(who)}: ${mission(who)}`)));
    return { heading: own(lesson.title), picture: el("ul", { class: rungs.length > 7 ? "legend dense" : "legend" }, rungs),
      talk: [para("title_text", { n: rungs.length }), lanes, para("title_start"), small("title_keys")] };
  },
  begin: (screen, box) => ({ heading: long(lesson.period[0]), picture: standing(screen, box), talk: [para("begin_text"), ask("begin_ask")] }),
  event: (screen, box) => {
    const step = latest(screen, screen.event);
    return { heading: eventName(screen.event), picture: standing(screen, box), why: [reasons(step.why), cited(step)],
      talk: [card(step), cited(step)[0], meanwhile(screen, screen.event), ask(step.moves.length ? "event_moved" : "event_still"), outlook(screen)] };
  },
  decide: (screen, box) => {
    const { actors, question } = lesson.choices[screen.choice];
    const put = [p(long(now(screen)), "small"), quoted(question)];
    return { heading: say("decide", { actors }), picture: standing(screen, box), talk: [put, voting(screen), meanwhile(screen)] };
  },
  reveal: (screen, box) => {
    const [{ shares, basis }, step] = [lesson.choices[screen.choice], latest(screen, screen.option)];
    return { heading: step ? eventName(screen.option) : say("nothing_done"), picture: standing(screen, box),
      why: [step && reasons(step.why), small("model_assumed", { text: basis ?? "" }), step && cited(step)],
      talk: [results(screen, screen.option, shares), step && card(step), meanwhile(screen, screen.option), outlook(screen)] };
  },
  guess: (screen, box) => ({ heading: say("guess"), picture: standing(screen, box), talk: [quoted(lesson.asked.text), voting(screen)] }),
  number: (screen, box) => {
    const { history, median, came, asked, text } = lesson.asked;
    return { heading: history === null ? say("never") : say("days", { n: history }), picture: dotted(box),
      talk: [quoted(text), total(hands(screen)) > 0 && results(screen, came), para("dots_text", { count: asked }), small(...median), meanwhile(screen)] };
  },
  runs: (screen, box) => {
    const drawn = lesson.runs.slice(0, state.drawn);
    const n = drawn.filter((run) => lesson.mild.includes(run.path.at(-1)[1])).length;
    const told = () => [el("h2", {}, say("run_number", { n: drawn.at(-1).run })), p(story(drawn.at(-1))), big("runs_count", { n, count: drawn.length })];
    return { heading: say("runs"), picture: lines(box, drawn), talk: [para("runs_text"), drawn.length ? told() : ask("runs_ask"), meanwhile(screen)] };
  },
  many: (screen, box) => ({ heading: say("many"), picture: stack(box, lesson.base), talk: [outcome(lesson.base), ask("many_text"), small("stack_note"), meanwhile(screen)] }),
  slider: (screen, box) => {
    const { stops, start, unit } = lesson.slider;
    const told = (place) => (unit === "share" ? say("in_hundred", { share: Number(stops[place].value) }) : own(stops[place].value));
    const coin = stops.some((each) => (each.outcome.estimate - 0.5) * (stops[0].outcome.estimate - 0.5) <= 0);
    const named = { "aria-label": sliderName(), "aria-valuetext": told(state.stop) };
    const moves = { oninput: (event) => slide(event.target.value - state.stop) };
    const input = el("input", { type: "range", id: "stop", min: 0, max: stops.length - 1, ...named, ...moves });
    input.value = state.stop;
    const value = { value: told(state.stop), low: told(0), high: told(stops.length - 1), start: told(start) };
    return { heading: say("slider"), picture: stack(box, stops[state.stop], lesson.base.occupancy),
      talk: [p(sliderName()), input, para("slider_value", value), outcome(stops[state.stop]), ask(coin ? "slider_coin" : "slider_ask"), p(`${say("ghost")} ${say("stack_note")}`, "small")] };
  },
  whatif: (screen) => ({ heading: say("whatif"), picture: branches(),
    talk: [quoted(outcomeText()), para("whatif_now", { share: lesson.base.outcome.estimate }), voting(screen)] }),
  effect: (screen, box) => {
    const { effect, differ, way } = lesson.branches[state.branch];
    const exact = { reach: effect, percent: effect.base, now: effect.changed, count: differ };
    return { heading: branchText(lesson.branches[state.branch]), picture: stack(box, lesson.branches[state.branch], lesson.base.occupancy),
      talk: [quoted(outcomeText(), "small"), big("effect_points", { points: effect.estimate }), small("effect_small", exact),
        results(screen, way), ask(way === "same" ? "effect_none" : "effect_text"), p(`${say("ghost")} ${say("stack_note")}`, "small")] };
  },
  twins: () => ({ heading: say("twins"), ...twins() }),
  outlook: () => ({ heading: say("outlook_heading"), picture: mornings(),
    talk: [para("outlook_label", { unit: lesson.unit }), para("outlook_text"), ask("outlook_ask")] }),
  limits: () => {
    const limits = el("ul", { class: "limits", dir: "auto", tabindex: 0 }, lesson.limits.map((text) => el("li", {}, text)));
    return { heading: say("limits"), picture: limits, talk: [para("limits_text"), ask("limits_ask")] };
  },
  own: () => {
    const mine = `my-${lesson.name}`;
    const typed = [`new ${mine} --from ${lesson.name}`, `check ${mine}.yaml`, `compare ${lesson.name} ${mine}.yaml`, `page ${mine}.yaml`];
    return { heading: say("own"), picture: numbered(words.own_steps.map((text) => el("li", {}, text)), "limits"),
      talk: [para("own_text"), el("pre", { dir: "ltr", tabindex: 0 }, typed.map((each) => `escsim ${each}`).join("\n"))] };
  },
  quiz: (screen) => ({ heading: say(`quiz_${screen.when}`), picture: p(words.quiz[screen.question].question, "big"), talk: [voting(screen)] }),
  tally: () => ({ heading: say("tally"), picture: data(tally()), talk: [para("tally_text"), words.quiz.map((each) => p(each.because))] }),
  sheet: () => ({ heading: say("sheet"), picture: el("div", { class: "preview", tabindex: 0 }, sheet()), talk: [para("sheet_text")] }),
};

// ---- moves: what keys and buttons do

const current = () => lesson.screens[state.screen];
const last = () => lesson.screens.length - 1;
const closed = () => VOTED.includes(current().kind) && !total(hands(current())); // waits for hands
let entered = false; // Enter was the last key on such a screen

function go(screen) {
  state.screen = Math.min(Math.max(screen, 0), last());
  draw(true);
}

const next = () => (closed() ? tell(say("vote_first")) : go(state.screen + 1));

function enter() {
  entered = closed() && !entered;
  if (entered) tell(say("enter_again"));
  else go(state.screen + 1);
}

const set = (values) => (Object.assign(state, values), draw());

const why = () => set({ why: { ...state.why, [state.screen]: !state.why[state.screen] } });
const replay = (more) => set({ drawn: Math.min(state.drawn + more, lesson.runs.length) });
const slide = (by) => set({ stop: Math.min(Math.max(state.stop + by, 0), lesson.slider.stops.length - 1) });

// Takes a what-if, and goes back to where the class says what it will do.
function pick(branch) {
  state.branch = (branch + lesson.branches.length) % lesson.branches.length;
  go(lesson.screens.findLastIndex((screen) => screen.kind === "whatif"));
}

const overflows = (each) => each.scrollHeight > each.clientHeight + 1 && getComputedStyle(each).overflowY === "auto";
const overflowing = () => [at("talk"), at("picture"), ...at("picture").children].filter(overflows);
const scroll = (lines) => overflowing().forEach((each) => each.scrollBy(0, lines * rem()));
const full = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.());
const blank = () => at("blank").toggleAttribute("hidden");
const help = () => (at("help").open ? at("help").close() : at("help").showModal());

// Every key: its name in the strings, what it does, the physical keys besides its letter, and where it acts: on all screens if
// `on` names none. Those that are `always` on act with single keys switched off.
const [BACK, NEXT] = MIRRORED ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
const ARROW = { ArrowLeft: "\u2190", ArrowRight: "\u2192" };
const DRAWN = ["begin", "event", "decide", "reveal", "guess", "number", "runs", "many", "slider", "effect"]; // a chart, which may be a table instead
const KEYS = [
  { key: ARROW[BACK], name: "back", codes: [BACK, "PageUp"], always: true, act: () => go(state.screen - 1), off: () => state.screen === 0 },
  { key: ARROW[NEXT], name: "next", codes: [NEXT, "PageDown", "Space"], always: true, act: next, off: () => state.screen === last() },
  { key: "Enter", name: "enter", codes: ["Enter", "NumpadEnter"], always: true, act: enter, shown: closed },
  { key: "W", name: "why", on: ["event", "reveal"], act: why, pressed: () => Boolean(state.why[state.screen]) },
  { key: "R", name: "replay", on: ["runs"], act: (event) => replay(event.shiftKey ? TOKENS : 1), off: () => state.drawn === lesson.runs.length },
  { key: "\u21e7R", name: "twenty", on: ["runs"], act: () => replay(TOKENS), off: () => state.drawn === lesson.runs.length },
  { key: "[", name: "less", codes: ["BracketLeft"], on: ["slider"], act: () => slide(-1), off: () => state.stop === 0 },
  { key: "]", name: "more", codes: ["BracketRight"], on: ["slider"], act: () => slide(1), off: () => state.stop === lesson.slider.stops.length - 1 },
  { key: "B", name: "branch", on: ["whatif", "effect", "twins"], act: (event) => pick(state.branch + (event.shiftKey ? -1 : 1)) },
  { key: "\u21e7B", name: "former", on: ["whatif", "effect", "twins"], act: () => pick(state.branch - 1) },
  { key: "C", name: "compare", on: ["effect"], act: () => go(lesson.screens.findIndex((screen) => screen.kind === "twins")) },
  { key: "D", name: "data", on: DRAWN, act: () => set({ table: !state.table }), pressed: () => state.table },
  { key: "T", name: "text", act: () => set({ text: (state.text + 1) % SIZES }) },
  { key: "F", name: "full", act: full },
  { key: "N", name: "notes", act: () => set({ notes: !state.notes }), pressed: () => state.notes },
  { key: "P", name: "print", on: ["limits", "own", "tally", "sheet"], act: () => window.print() },
  { key: ".", name: "blank", codes: ["Period", "NumpadDecimal"], act: blank },
  { key: "Home", name: "first", codes: ["Home"], always: true, act: () => go(0), off: () => state.screen === 0 },
  { key: "End", name: "last", codes: ["End"], always: true, act: () => go(last()), off: () => state.screen === last() },
  { key: "?", name: "help", always: true, act: help },
  { key: "\u2191", name: "up", codes: ["ArrowUp"], always: true, bare: true, act: () => scroll(-3) },
  { key: "\u2193", name: "down", codes: ["ArrowDown"], always: true, bare: true, act: () => scroll(3) },
];

function pressed(event) {
  const asked = event.key === "?" || event.key === "\u061f"; // the question mark, of Arabic script too
  if (event.ctrlKey || event.metaKey || event.altKey || (at("help").open && !asked)) return;
  const inside = event.target.closest?.("button, input, [tabindex='0']");
  if (inside?.matches("button, input") && ["Enter", "NumpadEnter", "Space"].includes(event.code)) return;
  if (inside?.matches("input[type=range]") && /^(Arrow|Home|End)/.test(event.code)) return;
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toUpperCase() : /^Key([A-Z])$/.exec(event.code)?.[1]; // of other scripts by its place
  const each = KEYS.find((one) => one.codes?.includes(event.code) || one.key === (asked ? "?" : letter));
  entered &&= each?.name === "enter";
  if (["up", "down"].includes(each?.name) && (inside || !overflowing().length)) return; // what has the focus scrolls by itself, or the page does
  if ((!digit && !each) || (!state.keys && !each?.always)) return;
  event.preventDefault();
  if (event.repeat && !["replay", "less", "more", "up", "down"].includes(each?.name)) return; // a key held too long
  if (!at("blank").hidden) blank();
  else if (digit) vote((Number(digit) + 9) % 10, event.shiftKey ? -1 : 1);
  else if (here(each) && !each.off?.()) each.act(event);
}

const here = (each) => !each.on || each.on.includes(current().kind);

// ---- drawing

const tell = (text) => ["hint", "spoken"].forEach((id) => (at(id).textContent = text));

function save() {
  try {
    history.replaceState({ hash: lesson.hash, ...state }, "", `#${state.screen + 1}`); // kept for this tab, over a reload too
  } catch {} // a browser that allows none to files: only a reload starts anew
}

function keys() {
  const shown = KEYS.filter((each) => here(each) && (each.shown?.() ?? true));
  return shown.map((each) => button(each.key, each.bare ? "" : say(`key_${each.name}`), each.act,
    { id: `key_${each.name}`, "aria-label": each.bare && say(`key_${each.name}`), disabled: each.off?.(), "aria-pressed": each.pressed && String(each.pressed()) }));
}

// Shows the present screen from the state; `moved` says that it is another one than before.
function draw(moved = false) {
  const [screen, where, focused] = [current(), say("place", { n: state.screen + 1, count: lesson.screens.length }), document.activeElement?.id];
  const [picture, talk] = [at("picture"), at("talk")];
  const scrolled = talk.scrollTop;
  document.documentElement.style.setProperty("--scale", String(1 + 0.15 * state.text));
  at("place").textContent = where;
  document.querySelector("main").dataset.screen = screen.kind;
  Object.assign(at("notes"), { hidden: !state.notes, textContent: say(`notes_${screen.kind}`) });
  at("keys").replaceChildren(...keys());
  tell("");
  picture.replaceChildren(); // which is as large as all the rest leaves it
  const tall = getComputedStyle(picture).overflowY === "visible"; // one column: a picture is as high as it needs to be
  const told = SCREENS[screen.kind](screen, { width: Math.floor(picture.clientWidth), height: tall ? 0 : Math.floor(picture.clientHeight) });
  document.title = `${lesson.title} \u2014 ${where}`;
  at("heading").textContent = told.heading;
  picture.append(told.picture);
  talk.replaceChildren(...(told.why && state.why[state.screen] ? [el("h2", {}, say("why")), told.why] : told.talk).flat(4).filter(Boolean));
  ["key_up", "key_down"].forEach((id) => (at(id).style.visibility = overflowing().length ? "visible" : "hidden")); // their room stays
  save();
  const counts = hands(screen);
  const stand = screen.upto === undefined ? [] : Object.entries(held(screen.upto)).slice(0, 4).map(([who, key]) => `${tag(who)}: ${status(key)}`);
  const voted = VOTED.includes(screen.kind) ? choices(screen).map(({ text }, i) => `${text}: ${whole.format(counts[i] ?? 0)}`) : [];
  at("spoken").textContent = (moved ? [where, told.heading, ...stand] : [...voted, told.heading]).join(". ");
  talk.scrollTop = moved ? 0 : scrolled;
  if (moved) window.scrollTo(0, 0);
  (moved ? at("heading") : at(focused))?.focus({ preventScroll: true });
}

// ---- start

function start() {
  if (history.state?.hash === lesson.hash) Object.assign(state, history.state);
  const named = () => Number(/^#(\d+)$/.exec(location.hash)?.[1] ?? state.screen + 1) - 1;
  state.screen = Math.min(Math.max(named(), 0), last());
  const single = el("input", { type: "checkbox", id: "single", onchange: () => set({ keys: !state.keys }) });
  single.checked = state.keys;
  const row = (key, text) => el("tr", {}, el("td", {}, el("kbd", { dir: "ltr" }, key)), el("td", {}, text));
  const rows = [row("1\u20139", say("help_vote")), ...KEYS.map((each) => row(each.key, say(`help_${each.name}`)))];
  const listed = el("table", {}, el("tbody", {}, rows));
  at("help").append(el("h2", {}, say("help")), listed, el("label", {}, single, " ", say("single_keys")), small("help_remote"), button("Esc", say("close"), help));
  at("title").textContent = own(lesson.title);
  at("seed").textContent = say("seed");
  at("blank").addEventListener("click", blank);
  document.addEventListener("keydown", pressed);
  addEventListener("hashchange", () => named() !== state.screen && go(named()));
  addEventListener("resize", () => draw());
  addEventListener("beforeprint", () => at("print").replaceChildren(...sheet()));
  addEventListener("afterprint", () => at("print").replaceChildren());
  draw(true);
}
start();

#pragma once
// What the live page does: polls v2/live_state, takes differences of its counters, draws. Every text goes through
// textContent. Elements carry data-field (and cards data-model), for whoever reads the page by machine.
#include <string_view>

namespace burnish::server::http {

inline constexpr std::string_view kLivePageScript = R"js(
"use strict";
const kPeriodMs = 1000, kKept = 180;
const cards = new Map();
let last = null, updates = 0, lastAnswer = Date.now(), token = sessionStorage.getItem("token") || "";

const $ = id => document.getElementById(id);
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
function svgElement(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

const isNumber = x => typeof x === "number" && isFinite(x);
function number(x) {
  if (!isNumber(x)) return "–";
  const digits = Math.abs(x) >= 100 || Number.isInteger(x) ? 0 : Math.abs(x) >= 10 ? 1 : 2;
  return x.toLocaleString("en", {maximumFractionDigits: digits});
}
function duration(us) {
  if (!isNumber(us)) return "–";
  return us < 1000 ? number(us) + " µs" : us < 1e6 ? number(us / 1000) + " ms" : number(us / 1e6) + " s";
}
function memory(bytes) {
  if (!isNumber(bytes)) return "–";
  return bytes < 1 << 30 ? number(bytes / (1 << 20)) + " MiB" : number(bytes / (1 << 30)) + " GiB";
}
const share = x => isNumber(x) ? Math.round(100 * x) + " %" : "–";
function span(us) {
  if (!isNumber(us)) return "–";
  const s = Math.floor(us / 1e6);
  return s < 120 ? s + " s" : s < 7200 ? Math.floor(s / 60) + " min" : s < 172800 ? Math.floor(s / 3600) + " h" :
    Math.floor(s / 86400) + " days";
}

// Growth a second between two states; null when it cannot be told (the first state, or a server that began anew).
function rate(now, before, field, seconds) {
  if (!before || !(seconds > 0) || !isNumber(now[field]) || !isNumber(before[field])) return null;
  return now[field] >= before[field] ? (now[field] - before[field]) / seconds : null;
}
function total(values) {
  const known = values.filter(isNumber);
  return known.length ? known.reduce((a, b) => a + b, 0) : null;
}
const keyOf = model => model.name + "\u0000" + (model.version || "");

function figure(parent, field, label) {
  const value = element("b", {"data-field": field}, "–");
  parent.append(element("div", {class: "figure"}, value, element("span", {}, label)));
  return value;
}

// A line over the last minutes, scaled to its own largest value.
class Chart {
  constructor(title, format, className) {
    this.values = [];
    this.format = format;
    this.title = title;
    this.caption = element("h3");
    this.line = svgElement("polyline", {points: ""});
    this.svg = svgElement("svg", {viewBox: `0 0 ${kKept - 1} 60`, preserveAspectRatio: "none", role: "img"});
    this.svg.append(this.line);
    this.node = element("div", {class: className}, this.caption, this.svg);
  }
  add(value) {
    this.values.push(isNumber(value) ? value : null);
    if (this.values.length > kKept) this.values.shift();
    const most = Math.max(...this.values.map(v => v ?? 0));
    const first = kKept - this.values.length;
    this.line.setAttribute("points", this.values.map((v, i) =>
      v === null ? "" : `${first + i},${(57 - 54 * (most > 0 ? v / most : 0)).toFixed(1)}`).filter(Boolean).join(" "));
    this.caption.textContent = `${this.title}: ${this.format(value)}, at most ${this.format(most)} in the last ${kKept / 60} minutes`;
    this.svg.setAttribute("aria-label", this.caption.textContent);
  }
}

function bars(parent, rows) {
  parent.replaceChildren(...rows.map(([label, part, text]) => {
    const fill = element("i");
    fill.style.width = 100 * Math.min(1, Math.max(0, part || 0)) + "%";
    return element("div", {class: "bar"}, element("span", {}, label), element("i", {}, fill), element("span", {}, text));
  }));
}

function list(parent, texts) {
  parent.replaceChildren(...(texts || []).map(text => element("li", {}, String(text))));
  parent.hidden = !texts || texts.length === 0;
}

class Card {
  constructor(model) {
    this.state = element("span", {class: "soft", "data-field": "state"});
    const title = element("header", {}, element("h2", {}, model.name), element("span", {class: "soft"}, "version " + (model.version || "?")), this.state);
    const figures = element("div", {class: "figures"});
    this.figures = {};
    for (const [field, label] of [["inferences_per_second", "inferences/s"], ["p50", "p50 latency"], ["p99", "p99 latency"],
        ["queue_depth", "waiting"], ["batch", "items a batch"], ["utilisation", "utilisation"], ["failures_per_second", "failures/s"]]) {
      this.figures[field] = figure(figures, field, label);
    }
    this.rates = new Chart("Inferences a second", number, "");
    this.late = new Chart("p99 latency", duration, "late");
    this.latency = element("tbody");
    this.batches = element("div", {"data-field": "batch_sizes"});
    this.instances = element("div", {"data-field": "instances"});
    this.advice = element("ul", {"data-field": "advice"});
    const head = element("tr", {}, ...["latency", "p50", "p90", "p99"].map(t => element("th", {scope: "col"}, t)));
    this.node = element("section", {class: "model", "data-model": model.name, "data-version": model.version || ""}, title, this.advice, figures,
      element("div", {class: "columns"}, this.rates.node, this.late.node,
        element("div", {}, element("h3", {}, "Where the time goes"), element("table", {}, element("thead", {}, head), this.latency)),
        element("div", {}, element("h3", {}, "Batch sizes, share of executions"), this.batches),
        element("div", {}, element("h3", {}, "Instances, share of time busy"), this.instances)));
  }

  update(model, before, seconds) {
    const latency = model.latency_us || {}, whole = latency.total || {};
    const inferences = rate(model, before, "inferences", seconds), executions = rate(model, before, "executions", seconds);
    const busy = this.busy(model, before, seconds);
    const set = (field, text) => { this.figures[field].textContent = text; };
    this.state.textContent = (model.state || "") + (model.reason ? ": " + model.reason : "");
    this.state.className = model.state === "READY" ? "good" : "bad";
    set("inferences_per_second", number(inferences));
    set("p50", duration(whole.p50));
    set("p99", duration(whole.p99));
    set("queue_depth", number(model.queue_depth));
    set("batch", executions > 0 ? number(inferences / executions) : "–");
    set("utilisation", share(busy.length ? total(busy) / busy.length : null));
    set("failures_per_second", number(rate(model, before, "failures", seconds)));
    this.rates.add(inferences);
    this.late.add(whole.p99);
    this.latency.replaceChildren(...["queue", "compute", "total"].map(part => element("tr", {"data-field": part}, element("th", {scope: "row"}, part),
      ...["p50", "p90", "p99"].map(p => element("td", {}, duration((latency[part] || {})[p]))))));
    this.drawBatches(model.batch_sizes || []);
    bars(this.instances, (model.instances || []).map((instance, i) => [[instance.name, instance.device].filter(Boolean).join(", ") || String(i), busy[i], share(busy[i])]));
    list(this.advice, model.advice);
  }

  busy(model, before, seconds) {
    const old = new Map(((before || {}).instances || []).map(i => [i.name, i]));
    return (model.instances || []).map(i => {
      const grown = rate(i, old.get(i.name), "busy_us", seconds);
      return grown === null ? null : Math.min(1, grown / 1e6);
    });
  }

  drawBatches(sizes) {
    const all = total(sizes.map(s => s.count)) || 0;
    bars(this.batches, sizes.map(s => [String(s.size), all > 0 ? s.count / all : 0, share(all > 0 ? s.count / all : null)]));
  }
}

function drawModels(state, seconds) {
  const before = new Map(((last || {}).models || []).map(m => [keyOf(m), m]));
  const there = new Set();
  for (const model of state.models || []) {
    const key = keyOf(model);
    there.add(key);
    if (!cards.has(key)) {
      cards.set(key, new Card(model));
      $("models").append(cards.get(key).node);
    }
    cards.get(key).update(model, before.get(key), seconds);
  }
  for (const [key, card] of cards) {
    if (there.has(key)) continue;
    card.node.remove();
    cards.delete(key);
  }
  $("empty").hidden = there.size > 0;
  const sum = field => total((state.models || []).map(m => rate(m, before.get(keyOf(m)), field, seconds)));
  $("inferences").textContent = number(sum("inferences"));
  $("requests").textContent = number(sum("requests"));
  $("failures").textContent = number(sum("failures"));
  $("rejected").textContent = number(sum("rejected"));
  $("waiting").textContent = number(total((state.models || []).map(m => m.queue_depth)));
}

function draw(state) {
  const seconds = last && state.time_us > last.time_us ? (state.time_us - last.time_us) / 1e6 : 0;
  $("about").textContent = [state.version, isNumber(state.uptime_us) ? "up " + span(state.uptime_us) : ""].filter(Boolean).join(", ");
  $("ready").textContent = state.ready === false ? "not ready" : "ready";
  $("ready").className = state.ready === false ? "bad" : "good";
  $("memory").textContent = memory(state.memory_bytes);
  $("connections").textContent = number(state.connections);
  $("connections").parentNode.hidden = !isNumber(state.connections);
  list($("advice"), state.advice);
  drawModels(state, seconds);
  last = state;
  document.body.dataset.updates = String(++updates);
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = text === "";
}

async function poll() {
  try {
    const response = await fetch("v2/live_state", {cache: "no-store", headers: token ? {Authorization: "Bearer " + token} : {}});
    $("login").hidden = response.status !== 401;
    if (response.status === 401) {
      trouble(token ? "The server does not accept this token." : "The server asks for a token.");
    } else if (!response.ok) {
      trouble("The server answered " + response.status + ".");
    } else {
      draw(await response.json());
      lastAnswer = Date.now();
      trouble("");
    }
  } catch (error) {
    trouble("No answer from the server for " + Math.round((Date.now() - lastAnswer) / 1000) + " s.");
  }
  setTimeout(poll, document.hidden ? 5 * kPeriodMs : kPeriodMs);
}

$("login").addEventListener("submit", event => {
  event.preventDefault();
  token = $("token").value;
  sessionStorage.setItem("token", token);
});
poll();
)js";

}  // namespace burnish::server::http

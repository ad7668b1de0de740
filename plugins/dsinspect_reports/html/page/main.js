// The findings tab: filters, keys, decisions and the list, put together.

import { h, count, plural, say, isTyping } from "./dom.js";
import { ask, choose, confirmed, showKeys } from "./dialogs.js";
import { SEVERITIES, findings, checks, classes, splits } from "./data.js";
import { decisions } from "./decisions.js";
import { ACTIONS, FindingList } from "./list.js";
import { Lightbox } from "./lightbox.js";
import { showTab } from "./tabs.js";

const KEYS = [["n j", "next finding"], ["p", "previous finding"], ["r k", "reject: it is right as it is, keep it"], ["a f", "accept: do what the fix says"], ["d", "drop the annotation"],
  ["c", "another class"], ["b", "another box"], ["w", "mark as crowd"], ["i", "drop the image"], ["R M", "rename or merge the class"], ["o", "comment"],
  ["u", "undo"], ["x", "take the decision away"], ["Enter", "open or close the image"], ["+ - 0 z", "in the image: zoom, whole image, object"], ["g", "in the image: next of a group"],
  ["s", "show or skip what is decided"], ["/", "search"], ["S", "save decisions.json"], ["?", "these keys"]];
const SORTS = { image: (f) => f.image ?? "", check: (f) => f.check.code, class: (f) => f.category ?? "", split: (f) => f.split ?? "", size: (f) => f.size, decision: (f) => decisions.of(f)?.action ?? "" };

function start(root) {
  const option = (text, value = text) => h("option", { value, textContent: text });
  const select = (name, first, values) => h("select", { "aria-label": name, onchange: () => filter() }, option(first, ""), ...values.map((v) => option(v)));
  const search = h("input", { type: "search", placeholder: "Search (/)", "aria-label": "Search findings", oninput: () => filter() });
  const check = h("select", { "aria-label": "Check", onchange: () => filter() }, option("all checks", ""), ...checks.filter((c) => c.shown).map((c) => option(`${c.code} ${c.name}`, c.code)));
  const severity = select("Severity", "all severities", ["error", "warning", "info"]);
  const category = select("Class", "all classes", [...classes].sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
  const split = select("Split", "all splits", splits);
  const undecided = h("input", { type: "checkbox", onchange: () => filter() });
  const number = h("p", { className: "quiet number", role: "status" });
  const progress = h("progress", { max: findings.length, value: 0, "aria-label": "Decided" });
  const progressText = h("span", { className: "progress" });
  const save = h("button", { type: "button", className: "main", textContent: "Save decisions", title: "Save decisions.json (S)", onclick: () => decisions.save() });
  const file = h("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "Decisions to load", onchange: () => load() });
  const bulk = h("span", { className: "bulk" });
  const reviewer = h("input", { type: "text", className: "reviewer", placeholder: "Your name", "aria-label": "Reviewer", value: decisions.reviewer,
    onchange: () => { decisions.reviewer = reviewer.value.trim(); decisions.keep(); } });
  const heads = [["image", "Image"], ["check", "Finding"], ["class", "Class"], ["split", "Split"], ["size", "Box, px"], ["decision", "Decision"]].map(([key, text]) =>
    h("div", { role: "columnheader", className: key, "aria-sort": "none", dataset: { key } }, h("button", { type: "button", textContent: text, title: `Sort by ${text.toLowerCase()}`, onclick: () => sortBy(key) })));
  const table = h("div", { role: "table", className: "list", "aria-label": "Findings" }, h("div", { role: "rowgroup", className: "heads" }, h("div", { role: "row" }, ...heads)));
  const more = h("button", { type: "button", className: "more", textContent: "Filters", "aria-expanded": "false", "aria-controls": "more",
    onclick: () => more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true")) });
  root.append(
    h("div", { className: "toolbar" },
      h("div", { className: "filters" }, search, more,
        h("div", { className: "rest", id: "more" }, check, severity, classes.length ? category : null, splits.length > 1 ? split : null, h("label", {}, undecided, " undecided only (s)"),
          reviewer, h("button", { type: "button", textContent: "Load…", title: "Go on with a saved decisions.json", onclick: () => file.click() }), file,
          h("button", { type: "button", textContent: "Keys", title: "Keys (?)", onclick: () => showKeys("Keys", KEYS) }))),
      h("div", { className: "progressbar" }, progress, progressText, save, h("button", { type: "button", textContent: "Undo", title: "Undo (u)", onclick: () => undo() }))),
    h("div", { className: "above" }, number, bulk), table);

  let current = null, sort = null, up = true;
  const list = new FindingList(table, { decisions, ondecide: decide, onopen: openImage, onfocus: (f) => { current = f; } });
  const lightbox = new Lightbox({ onkey: (e) => key(e), onclose: () => current && list.go(current) });

  function filter() {
    const words = search.value.trim().toLowerCase(), rank = SEVERITIES.indexOf(severity.value);
    const kept = findings.filter((f) => (!check.value || f.check.code === check.value) && (rank < 0 || f.severity === rank) &&
      (!category.value || f.category === category.value) && (!split.value || f.split === split.value) &&
      (!undecided.checked || !decisions.of(f)) && (!words || f.text.includes(words)));
    if (sort) {
      const value = SORTS[sort], keys = new Map(kept.map((f) => [f, value(f)]));
      const compare = sort === "size" ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
      kept.sort((a, b) => (up ? 1 : -1) * compare(keys.get(a), keys.get(b)));
    }
    list.set(kept);
    number.textContent = kept.length === findings.length ? plural(kept.length, "finding") : `${count(kept.length)} of ${plural(findings.length, "finding")}`;
    for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", String(chip.dataset.code === check.value));
    const possible = ["keep", "fix", "drop"].filter((a) => kept.length > 1 && kept.some((f) => f.choices.includes(a)));
    bulk.replaceChildren(...(possible.length ? ["All of them: "] : []), ...possible.map((a) => h("button", { type: "button", textContent: ACTIONS[a][0], title: `${a} all that are shown and undecided`, onclick: () => decideAll(a) })));
  }

  function sortBy(name) {
    up = sort === name ? !up : name !== "size";
    sort = name;
    for (const head of heads) head.setAttribute("aria-sort", head.dataset.key === sort ? (up ? "ascending" : "descending") : "none");
    filter();
  }

  function counted() {
    const n = decisions.made.size;
    progress.value = n;
    progressText.textContent = `${count(n)} of ${count(findings.length)} decided${decisions.isKept ? "" : "; this browser keeps nothing: save before you close"}`;
    save.disabled = !n;
  }

  async function decide(f, action) {
    const value = await valueOf(f, action);
    if (value === null) return;
    if (action === "comment") {
      const d = decisions.of(f);
      decisions.decide([f], { ...(d ?? { action: "keep" }), comment: value || undefined });
      return say(d ? "Comment kept" : "Commented and kept as it is");
    }
    const next = list.shown[list.position.get(f.number) + 1];
    decisions.decide([f], { action, ...(value === undefined ? {} : { value }) });
    say(`${ACTIONS[action][0].replace("…", "")}: ${f.check.code}`);
    if (next) move(next);
  }

  /** Ask for what an action needs; null when the user gave up. */
  async function valueOf(f, action) {
    if (action === "set-category" || action === "merge-class") return choose(action === "set-category" ? "The right class" : `Merge ${f.category} into`, classes.filter((c) => c !== f.category));
    if (action === "rename-class") return (await ask(`New name of ${f.category}`, f.category)) || null;
    if (action === "comment") return ask("Comment", decisions.of(f)?.comment ?? "");
    if (action !== "set-box") return undefined;
    const text = await ask("The right box", (decisions.of(f)?.value ?? f.box ?? []).map((v) => Number(Number(v).toFixed(2))).join(", "), "x min, y min, x max, y max in px");
    if (text === null) return null;
    const box = text.split(/[\s,;]+/).filter(Boolean).map(Number);
    if (box.length === 4 && box.every(Number.isFinite) && box[2] > box[0] && box[3] > box[1]) return box;
    say("A box is four numbers: x min, y min, x max, y max");
    return null;
  }

  async function decideAll(action) {
    const some = list.shown.filter((f) => !decisions.of(f) && f.choices.includes(action));
    if (!some.length) return say("All of them are decided");
    if (await confirmed(`${ACTIONS[action][0]} ${plural(some.length, "finding")}?`, "Those that are shown, undecided, and can take it. One undo takes all of it back.", ACTIONS[action][0])) {
      decisions.decide(some, { action });
      say(`${ACTIONS[action][0]}: ${plural(some.length, "finding")}`);
    }
  }

  function undo() {
    const f = decisions.undo();
    if (f) move(f);
  }

  function move(f) {
    current = f;
    if (lightbox.isOpen && openImage(f, 0)) return;
    if (lightbox.isOpen) lightbox.dialog.close();
    list.go(f);
  }

  function step(by) {
    if (!list.shown.length) return;
    const at = current && list.position.has(current.number) ? list.position.get(current.number) + by : 0;
    if (at >= 0 && at < list.shown.length) move(list.shown[at]);
  }

  function openImage(f, which) {
    current = f;
    return lightbox.open(f, which, list.tools(f));
  }

  async function load() {
    try {
      const [taken, unknown] = decisions.take(await file.files[0].text());
      say(`Loaded ${plural(taken, "decision")}${unknown ? `; ${count(unknown)} about findings that this page does not hold` : ""}`);
    } catch (e) {
      say(`Cannot load it: ${e.message}`);
    }
    file.value = "";
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const alias = { a: "f", r: "k" }[event.key] ?? event.key;
    const action = Object.keys(ACTIONS).find((name) => ACTIONS[name][1] === alias);
    if (action && current) current.choices.includes(action) ? decide(current, action) : say(`${current.check.code} cannot take: ${action}`);
    else if (event.key === "o" && current) decide(current, "comment");
    else if (event.key === "n" || event.key === "j") step(1);
    else if (event.key === "p") step(-1);
    else if (event.key === "u") undo();
    else if (event.key === "x" && current) decisions.clear([current]);
    else if (event.key === "Enter" && current && (event.target.tagName !== "BUTTON") && !event.target.closest("details, [role=tab]")) openImage(current, 0);
    else if (event.key === "s") { undecided.checked = !undecided.checked; filter(); }
    else if (event.key === "/") search.focus();
    else if (event.key === "S") decisions.save();
    else if (event.key === "?") showKeys("Keys", KEYS);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (e) => {
    if (isTyping(e)) { if (e.key === "Escape") { e.target.blur(); } return; }
    if (!document.getElementById("findings").hidden && key(e)) e.preventDefault();
  });
  decisions.addEventListener("change", (e) => { counted(); list.refresh(e.detail); });
  for (const chip of document.querySelectorAll(".chip")) chip.addEventListener("click", () => { check.value = check.value === chip.dataset.code ? "" : chip.dataset.code; filter(); });
  for (const badge of document.querySelectorAll(".verdict [data-severity]")) badge.addEventListener("click", () => { severity.value = severity.value === badge.dataset.severity ? "" : badge.dataset.severity; showTab("findings"); filter(); });
  counted();
  filter();
}

const root = document.getElementById("review");
if (root) start(root);
document.documentElement.dataset.ready = "true";

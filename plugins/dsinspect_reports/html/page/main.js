// The findings tab: filters, keys, decisions and the list, put together.

import { h, count, plural, say, isTyping } from "./dom.js";
import { ask, choose, confirmed, showKeys } from "./dialogs.js";
import { ACTIONS, actionOf, askBox, askClass, askWhole, buttonsOf, given, named, namesWith, valueOf, valueText } from "./actions.js";
import { SEVERITIES, boxChoices, canAdd, checks, classChoices, classes, findings, splits } from "./data.js";
import { decisions, subjectOf } from "./decisions.js";
import { FindingList } from "./list.js";
import { Lightbox } from "./lightbox.js";
import { showTab } from "./tabs.js";

const KEYS = [["n j", "next finding"], ["p", "previous finding"], ["r k", "reject: it is right as it is, keep it"], ["a f", "accept: do what the fix says"], ["d", "drop the annotation"],
  ["c", "another class"], ["b", "another box; in the image: arrows move it, Shift its corner, Ctrl 10 px; Enter keeps, Esc gives up"], ["w", "mark as crowd"], ["i", "drop the image"], ["R M", "rename or merge the class"],
  ["C", "decide for the whole check"], ["L", "add, rename or merge any class"], ["o", "comment"],
  ["u", "undo"], ["x", "take the decision away"], ["Enter", "open or close the image"], ["+ - 0 z", "in the image: zoom, whole image, object"], ["g", "in the image: next of a group"], ["[ ]", "in the image: pick another box"], ["B", "in the image: draw a box that is missing"],
  ["s", "show or skip what is decided"], ["/", "search"], ["S", "save decisions.json"], ["?", "these keys"]];
const SORTS = { image: (f) => f.image ?? "", check: (f) => f.check.code, class: (f) => f.category ?? "", split: (f) => f.split ?? "", size: (f) => f.size, decision: (f) => decisions.standing(f)?.action ?? "" };
const names = () => namesWith(classes, decisions.ofClasses());

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
  const save = h("button", { type: "button", className: "main", textContent: "Save decisions", title: "Save decisions.json (S)", onclick: () => saveNamed() });
  const file = h("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "Decisions to load", onchange: () => load() });
  const bulk = h("span", { className: "bulk" }), whole = h("span", { className: "bulk" });
  const reviewer = h("input", { type: "text", className: "reviewer", placeholder: "Your name", "aria-label": "Reviewer", value: decisions.reviewer,
    onchange: () => { decisions.reviewer = reviewer.value.trim(); decisions.keep(); } });
  const heads = [["image", "Image"], ["check", "Finding"], ["class", "Class"], ["split", "Split"], ["size", "Box, px"], ["decision", "Decision"]].map(([key, text]) =>
    h("div", { role: "columnheader", className: key, "aria-sort": "none", dataset: { key } }, h("button", { type: "button", textContent: text, title: `Sort by ${text.toLowerCase()}`, onclick: () => sortBy(key) })));
  const table = h("div", { role: "table", className: "list", "aria-label": "Findings" }, h("div", { role: "rowgroup", className: "heads" }, h("div", { role: "row" }, ...heads)));
  const sorts = h("select", { className: "sort", "aria-label": "Order", onchange: () => sortBy(sorts.value) }, option("in the order of the checks", ""), ...heads.map((head) => option(`by ${head.textContent.toLowerCase()}`, head.dataset.key)));
  const more = h("button", { type: "button", className: "more", textContent: "Filters", "aria-expanded": "false", "aria-controls": "more",
    onclick: () => more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true")) });
  root.append(
    h("div", { className: "toolbar" },
      h("div", { className: "filters" }, search, more,
        h("div", { className: "rest", id: "more" }, check, severity, classes.length ? category : null, splits.length > 1 ? split : null, sorts, h("label", {}, undecided, " undecided only (s)"),
          classChoices.length ? h("button", { type: "button", textContent: "Classes…", title: "Add, rename or merge a class (L)", onclick: () => decideClass() }) : null, h("button", { type: "button", textContent: "Load…", title: "Go on with a saved decisions.json", onclick: () => file.click() }), file)),
      h("div", { className: "progressbar" }, progress, progressText, reviewer, save, h("button", { type: "button", textContent: "Undo", title: "Undo (u)", onclick: () => undo() }),
        h("button", { type: "button", textContent: "Keys", title: "Keys (?)", onclick: () => showKeys("Keys", KEYS) }))),
    h("div", { className: "above" }, number, bulk, whole), table);

  let current = null, sort = null, up = true;
  const list = new FindingList(table, { decisions, ondecide: decide, onopen: openImage, onfocus: (f) => { current = f; } });
  const lightbox = new Lightbox({ onkey: (e) => key(e), onclose: () => current && list.go(current), onedit: edited, onpick: tools, of: decisionOf, added: (path) => decisions.added(path) });
  lightbox.draw.hidden = !canAdd;

  function filter() {
    const words = search.value.trim().toLowerCase(), rank = SEVERITIES.indexOf(severity.value);
    const kept = findings.filter((f) => (!check.value || f.check.code === check.value) && (rank < 0 || f.severity === rank) &&
      (!category.value || f.category === category.value) && (!split.value || f.split === split.value) &&
      (!undecided.checked || !decisions.standing(f)) && (!words || f.text.includes(words)));
    if (sort) {
      const value = SORTS[sort], keys = new Map(kept.map((f) => [f, value(f)]));
      const compare = sort === "size" ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
      kept.sort((a, b) => (up ? 1 : -1) * compare(keys.get(a), keys.get(b)));
    }
    list.set(kept);
    number.textContent = kept.length === findings.length ? plural(kept.length, "finding") : `${count(kept.length)} of ${plural(findings.length, "finding")}`;
    for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", String(chip.dataset.code === check.value));
    drawWhole();
    const possible = ["keep", "fix", "drop"].filter((a) => kept.length > 1 && kept.some((f) => f.choices.includes(a)));
    bulk.replaceChildren(...(possible.length ? ["All of them: "] : []), ...possible.map((a) => h("button", { type: "button", textContent: ACTIONS[a][0], title: `${a} all that are shown and undecided`, onclick: () => decideAll(a) })));
  }

  function sortBy(name) {
    up = sort === name ? !up : name !== "size";
    sort = sorts.value = name;
    for (const head of heads) head.setAttribute("aria-sort", head.dataset.key === sort ? (up ? "ascending" : "descending") : "none");
    filter();
  }

  /** The decisions that may stand for the whole check that is filtered for. */
  function drawWhole() {
    const c = checks.find((one) => one.code === check.value), made = c && decisions.made.get(subjectOf.check(c.code));
    whole.replaceChildren(...(c?.whole.length ? [`All of ${c.code} without a decision of their own: `] : []), ...(c?.whole ?? []).map((a) =>
      h("button", { type: "button", textContent: ACTIONS[a][0], title: `${a} (C)`, "aria-pressed": String(made?.action === a), onclick: () => setWhole(c, made?.action === a ? "" : a) })));
  }

  function setWhole(c, action) {
    decisions.decide([subjectOf.check(c.code)], action ? { action, check: c.code } : null);
    say(action ? `${named(action)}: all of ${c.code} without a decision of their own` : `${c.code}: each finding for itself`);
  }

  async function decideWhole() {
    const c = current?.check ?? checks.find((one) => one.code === check.value);
    if (!c) return;
    const action = await askWhole(c, c.whole, decisions.made.get(subjectOf.check(c.code))?.action);
    if (action !== null) setWhole(c, action);
  }

  async function decideClass() {
    const decision = await askClass(names(), classChoices);
    if (!decision) return;
    decisions.decide([subjectOf.record(decision.record)], decision);
    say(`${decision.action}: ${decision.record.category}`);
  }

  function counted() {
    const besides = [...decisions.made.values()].filter((d) => d.record).length;
    progress.value = decisions.decided;
    progressText.textContent = `${count(decisions.decided)} of ${count(findings.length)} decided${besides ? `, and ${count(besides)} without a finding` : ""}${decisions.isKept ? "" : "; this browser keeps nothing: save before you close"}`;
    save.disabled = !decisions.made.size;
  }

  /** What a decision is about: the finding, or another box that was picked in the image. */
  function target(f, action) {
    const b = lightbox.isOpen ? lightbox.stage.box : null;
    if (!b?.source || !current || current.isOwn(b) || f !== current) return { subject: subjectOf.finding(f), choices: f.choices, category: f.category, box: f.box, f };
    const image = lightbox.path, record = action === "drop-image" ? { image } : given({ image, source: b.source, index: b.index, id: b.id });
    const seen = action === "drop-image" ? { image } : given({ image, category: b.class, bbox_xyxy: b.box, annotation: given({ source: b.source, index: b.index, id: b.id }) });
    return { subject: subjectOf.record(record), choices: boxChoices, category: b.class, box: b.box, body: { record, seen } };
  }

  function decisionOf(b) {
    return (current && current.isOwn(b) ? decisions.of(current) : undefined) ?? (b.source ? decisions.made.get(subjectOf.record(b)) : undefined);
  }

  async function decide(action, f = current, value) {
    const t = target(f, action), was = decisions.made.get(t.subject);
    if (action === "comment") {
      const comment = await ask("Comment", was?.comment ?? "");
      if (comment === null) return;
      decisions.decide([t.subject], { ...(was ?? { action: t.choices.includes("keep") ? "keep" : t.choices[0], ...t.body }), comment: comment || undefined });
      return say(was ? "Comment kept" : "Commented");
    }
    if (!t.choices.includes(action)) return say(`${t.f?.check.code ?? "The box"} cannot take: ${action}`);
    if (action === "set-box" && value === undefined && lightbox.isOpen && lightbox.stage.begin(false)) return say("Arrows move, Shift+arrows resize, Enter keeps");
    value ??= action === "set-box" ? await askBox(Array.isArray(was?.value) ? was.value : t.box) : await valueOf(action, t.category, names());
    if (value === null) return;
    const next = t.f && list.shown[list.position.get(f.number) + 1];
    decisions.decide([t.subject], given({ action, value, ...t.body }));
    say(`${named(action)}: ${t.f?.check.code ?? t.category ?? "box"}`);
    if (next) move(next);
  }

  /** Take a box that was changed or drawn in the image. */
  async function edited(box, isNew) {
    if (!isNew) return decide("set-box", current, box);
    const category = await choose("Class of the new box", names());
    if (!category) return;
    const record = { image: lightbox.path }, value = { bbox_xyxy: box, category };
    decisions.decide([subjectOf.record(record, value)], { action: "add-box", record, value, seen: record });
    say(`New box: ${category}`);
  }

  /** Show what can be decided on what is picked in the image. */
  function tools(b = lightbox.stage.box) {
    const t = target(current, "");
    lightbox.tools.replaceChildren(...(t.f ? list.tools(current) : buttonsOf(boxChoices, decisions.made.get(t.subject)?.action, (a) => decide(a))));
    if (t.f) lightbox.about(current);
    else lightbox.note.textContent = `Box: ${b.class ?? "no class"} ${valueText(b.box)}`;
  }

  async function decideAll(action) {
    const some = list.shown.filter((f) => !decisions.standing(f) && f.choices.includes(action));
    if (!some.length) return say("All of them are decided");
    const unsafe = action === "fix" ? some.filter((f) => f.fix[0] !== "safe").length : 0;
    const parts = unsafe ? ` (${count(some.length - unsafe)} safe, ${count(unsafe)} unsafe)` : "";
    if (await confirmed(`${ACTIONS[action][0]} ${plural(some.length, "finding")}${parts}?`, (unsafe ? "An unsafe fix loses something: look at those first. " : "") + "Those that are shown, undecided, and can take it. One undo takes all of it back.", ACTIONS[action][0])) {
      decisions.decide(some.map(subjectOf.finding), { action });
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
    const isOpen = lightbox.open(f, which);
    if (isOpen) tools();
    return isOpen;
  }

  /** Save; whoever gave no name is asked for one, once. */
  async function saveNamed() {
    if (!decisions.made.size) return say("There is no decision to save");
    if (!decisions.reviewer && !decisions.isAsked) {
      const name = await ask("Your name", "", "It stands beside your decisions, so that others know whom to ask. It may stay empty.");
      if (name === null) return;
      decisions.isAsked = true;
      decisions.reviewer = reviewer.value = name;
    }
    decisions.save();
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
    const action = actionOf(event.key);
    if (action && current) decide(action);
    else if (event.key === "o" && current) decide("comment");
    else if (event.key === "C") decideWhole();
    else if (event.key === "L") decideClass();
    else if (event.key === "B" && lightbox.isOpen) !canAdd ? say("This format has no place for new boxes") : !lightbox.isRecord ? say("No record names this image: it takes no boxes") : lightbox.stage.begin(true) && say("Arrows move, Shift+arrows resize, Enter keeps");
    else if (event.key === "n" || event.key === "j") step(1);
    else if (event.key === "p") step(-1);
    else if (event.key === "u") undo();
    else if (event.key === "x" && current) decisions.decide([target(current, "").subject], null);
    else if (event.key === "Enter" && current && (event.target.tagName !== "BUTTON") && !event.target.closest("details, [role=tab]")) openImage(current, 0);
    else if (event.key === "s") { undecided.checked = !undecided.checked; filter(); }
    else if (event.key === "/") search.focus();
    else if (event.key === "S") saveNamed();
    else if (event.key === "?") showKeys("Keys", KEYS);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (e) => {
    if (isTyping(e)) { if (e.key === "Escape") { e.target.blur(); } return; }
    if (!document.getElementById("findings").hidden && key(e)) e.preventDefault();
  });
  const unfold = document.getElementById("unfold"), chips = document.getElementById("chips");
  unfold?.addEventListener("click", () => unfold.setAttribute("aria-expanded", String(!chips.classList.toggle("folded"))));
  for (const chip of chips.children) chip.addEventListener("focus", () => { if (chip.matches(":focus-visible") && chip.offsetTop + chip.offsetHeight > chips.offsetTop + chips.offsetHeight && unfold) unfold.click(); });
  decisions.addEventListener("change", (e) => {
    counted();
    drawWhole();
    list.refresh(e.detail);
    if (lightbox.isOpen) { lightbox.stage.draw(); tools(); }
  });
  for (const chip of document.querySelectorAll(".chip")) chip.addEventListener("click", () => { check.value = check.value === chip.dataset.code ? "" : chip.dataset.code; filter(); });
  for (const badge of document.querySelectorAll(".verdict [data-severity]")) badge.addEventListener("click", () => { severity.value = severity.value === badge.dataset.severity ? "" : badge.dataset.severity; showTab("findings"); filter(); });
  counted();
  filter();
  foldHowTo();
}

/** Fold how to review on a phone, and where it was folded before. */
function foldHowTo() {
  const howTo = document.getElementById("howto"), key = "dsinspect how to review";
  try {
    howTo.open = (localStorage.getItem(key) ?? (matchMedia("(max-width: 760px)").matches ? "folded" : "open")) === "open";
    howTo.firstElementChild.addEventListener("click", () => localStorage.setItem(key, howTo.open ? "folded" : "open")); // before it opens
  } catch {
    howTo.open = true; // a browser that keeps nothing
  }
}

const root = document.getElementById("review");
if (root) start(root);
document.documentElement.dataset.ready = "true";

// The served review: findings one after the other, the image of each, every decision by one key.

import { h, count, plural, say, isTyping } from "./dom.js";
import { ask, choose, showKeys, typeInto } from "./dialogs.js";
import { actionOf, askClass, askWhole, given, named, namesWith, valueOf } from "./actions.js";
import { SEVERITIES, Decisions, api, findingsOf, recordOfBox, seenOf, seenOfBox, subjectOfBox } from "./state.js";
import { Stage } from "./stage.js";
import { extentOf } from "./viewer.js";
import { Wall } from "./wall.js";
import { Panel } from "./panel.js";

const KEYS = [["n j", "next finding, or next image"], ["p", "previous"], ["a f", "accept: do what the fix says"], ["r k", "reject: it is right as it is, keep it"], ["d", "drop the box"],
  ["c", "another class: type its name"], ["b", "move or resize the box: arrows, Shift for its corner, Ctrl for 10 px; Enter keeps, Esc gives up"], ["B", "draw a new box"],
  ["w", "mark as crowd"], ["i", "drop the image"], ["R M", "rename or merge the class"], ["C", "decide for the whole check"], ["L", "add, rename or merge any class"],
  ["o", "comment"], ["u", "undo"], ["x", "take the decision away"],
  ["[ ]", "pick another box of the image"], ["+ - 0 z", "zoom, whole image, object"], ["← → ↑ ↓", "move the image"], ["h", "hide the other boxes"], ["g", "next image of a group"],
  ["s", "skip what is decided"], ["v", "wall of the boxes of a class"], ["J", "jump to an image by its name"], ["/", "search"], ["?", "these keys"]];
const WINDOW = 60;

async function start() {
  const [state, who] = await Promise.all([api.state(), api.who()]);
  const findings = findingsOf(state);
  const colours = Object.fromEntries(state.classes.map((c) => [c.name, c.colour]));
  const names = state.classes.map((c) => c.name);
  const bySubject = new Map(findings.map((f) => [f.subject, f])), tally = new Map();
  let drawing = 0;
  for (const f of findings) tally.set(f.check.code, [0, (tally.get(f.check.code)?.[1] ?? 0) + 1]);
  const decisions = new Decisions(who.reviewer, (subject, by) => {
    const f = bySubject.get(subject);
    if (f) tally.get(f.check.code)[0] += by;
  });
  const wholeOf = (code) => decisions.of(`k:${code}`);
  const isDecided = (f) => Boolean(decisions.of(f.subject) ?? wholeOf(f.check.code));
  const decidedOf = (code) => tally.get(code)[wholeOf(code) ? 1 : 0];
  const allNames = () => namesWith(names, decisions.ofClasses());
  document.title = `dsinspect review: ${state.dataset}`;

  const option = (text, value = text) => h("option", { value, textContent: text });
  const codes = [...new Set(findings.map((f) => f.check.code))].sort();
  const search = h("input", { type: "search", placeholder: "Search (/)", "aria-label": "Search findings", oninput: () => filter() });
  const check = h("select", { "aria-label": "Check", onchange: () => filter() }, option("all checks", ""), ...codes.map((c) => option(c)));
  const severity = h("select", { "aria-label": "Severity", onchange: () => filter() }, option("all severities", ""), ...["error", "warning", "info"].map((s) => option(s)));
  const category = h("select", { "aria-label": "Class", onchange: () => filter() }, option("all classes", ""), ...names.map((n) => option(n)));
  const skip = h("input", { type: "checkbox", onchange: () => filter() }), differing = h("input", { type: "checkbox", onchange: () => filter() });
  const disagreements = h("label", { className: "disagreements", hidden: true }, differing, h("span", {}));
  const progress = h("progress", { max: Math.max(findings.length, 1), value: 0, "aria-label": "Decided" });
  const progressText = h("span", { className: "progress n" });
  const reviewer = h("input", { type: "text", className: "reviewer", placeholder: "Your name", "aria-label": "Reviewer", value: who.reviewer, onchange: () => { decisions.reviewer = reviewer.value.trim(); later(); } });
  document.getElementById("top").append(h("h1", { textContent: state.dataset, title: state.dataset }), search, check, severity, category, h("label", {}, skip, "skip decided (s)"), disagreements, h("span", { className: "spacer" }), progress, progressText, reviewer,
    h("button", { type: "button", textContent: "Wall", title: "Wall of a class (v)", onclick: () => openWall() }), h("button", { type: "button", textContent: "Undo", title: "Undo (u)", onclick: () => undo() }),
    h("a", { href: "api/decisions.json", download: "decisions.json", textContent: "decisions.json" }), h("button", { type: "button", textContent: "Keys", title: "Keys (?)", onclick: () => showKeys("Keys", KEYS) }));

  const app = document.getElementById("app");
  const list = h("ol", { "aria-label": "Findings" });
  const middle = h("section", { className: "middle", "aria-label": "Image" }), aside = h("aside", { className: "panel", "aria-label": "Decision" });
  app.append(h("nav", { className: "side", "aria-label": "Findings", tabIndex: 0 }, list), middle, aside);
  const panel = new Panel(aside, { decisions, act });
  const stage = new Stage(middle, { colours, onedit: edited, onpick: picked, added: (path) => decisions.added(path), of: decisionOf });
  const group = h("div", { className: "group", hidden: true });
  middle.append(group);
  const wall = new Wall(middle, { state, decisions, stage, onopen: (item) => { closeWall(); showImage(item.image, item.row); } });

  let shown = findings, at = 0, mode = "finding", imageRow = 0, member = -1, pending = null;

  const current = () => shown[at];
  const isOwn = (b, f) => f.annotation !== null && b.source === f.source && b.index === f.index && b.id === f.annotation;
  const isOfClass = (f) => !f.path && f.annotation === null && state.classes.some((c) => c.name === f.category && c.boxes);
  const picksOther = () => stage.box && (mode === "image" || (current() && !isOwn(stage.box, current()) && stage.wasPicked));

  function decisionOf(b) {
    return (mode === "finding" && current() && isOwn(b, current()) ? decisions.of(current().subject) : undefined) ?? decisions.of(subjectOfBox(b));
  }

  function filter() {
    const words = search.value.trim().toLowerCase(), rank = SEVERITIES.indexOf(severity.value), was = current();
    shown = findings.filter((f) => (!check.value || f.check.code === check.value) && (rank < 0 || f.severity === rank) && (!category.value || f.category === category.value) && (!words || f.text.includes(words)) && (!skip.checked || !isDecided(f)) && (!differing.checked || decisions.differ(f.subject)));
    at = Math.max(shown.indexOf(was), 0);
    show();
  }

  /** Show the finding where we are. */
  function show() {
    mode = "finding";
    member = -1;
    stage.wasPicked = false;
    later();
    const f = current();
    if (!f) {
      panel.about.replaceChildren(h("p", { textContent: findings.length ? "Nothing is left with these filters." : "There is no finding." }));
      return panel.buttons.replaceChildren();
    }
    panel.finding(f, at, shown.length);
    group.hidden = !f.group.length;
    group.replaceChildren(...(f.group.length && typeof f.row === "number" ? [f.row, ...f.group] : []).map((row, k) => h("button", { type: "button", title: state.images[row], "aria-label": `Show ${state.images[row]}`, onclick: () => toMember(k - 1) }, h("img", { src: `whole/${row}`, alt: "" }))));
    if (typeof f.row === "number" && f.row >= 0) stage.show(f.row, { marks: f.box ? [{ box: f.box }] : [], isOwn: (b) => isOwn(b, f), other: f.other, zoom: Boolean(f.box) }).catch((e) => say(e.message));
    else if (isOfClass(f)) openWall(f.category, false);
    else stage.clear(f.path ? `${f.path} is no image of the dataset, or its file is not there.` : f.annotation !== null ? "This annotation is of no image of the dataset." : "This finding is about no single image.");
    stage.ahead(shown[at + 1]?.row);
    if (!wall.element.hidden && !isOfClass(f)) closeWall();
  }

  function toMember(k) {
    const f = current();
    member = k;
    stage.show(k < 0 ? f.row : f.group[k], {});
  }

  function showImage(row, pick = null) {
    mode = "image";
    imageRow = row;
    group.hidden = true;
    panel.image(state.images[row], row, state.records);
    panel.tools(["drop-image"], `i:${state.images[row]}`);
    stage.show(row, { pick, zoom: pick !== null }).then(() => { if (pick !== null && stage.box) picked(stage.box); }).catch((e) => say(e.message));
    stage.ahead(row + 1 < state.records ? row + 1 : null);
    stage.element.focus({ preventScroll: true });
  }

  function drawList() {
    const start = Math.max(0, Math.min(at - WINDOW / 2, shown.length - WINDOW));
    list.replaceChildren(...shown.slice(start, start + WINDOW).map((f, k) => {
      const d = decisions.of(f.subject) ?? wholeOf(f.check.code);
      const li = h("li", { className: d ? "done" : "", onclick: () => { at = start + k; show(); } }, h("b", { textContent: f.check.code }), ` ${f.path?.split("/").pop() ?? f.category ?? f.message} `, d ? h("span", { className: "did", textContent: d.action }) : null, decisions.differ(f.subject) ? h("span", { className: "differs", textContent: "reviewers disagree" }) : null);
      if (start + k === at) li.setAttribute("aria-current", "true");
      return li;
    }));
    const line = list.querySelector('[aria-current="true"]'), room = list.parentElement; // scroll the list alone, never the page
    if (line && line.offsetTop < room.scrollTop) room.scrollTop = line.offsetTop;
    else if (line && line.offsetTop + line.offsetHeight > room.scrollTop + room.clientHeight) room.scrollTop = line.offsetTop + line.offsetHeight - room.clientHeight;
    const done = [...tally.keys()].reduce((sum, code) => sum + decidedOf(code), 0);
    const odd = [...decisions.atOdds].filter((subject) => bySubject.has(subject)).length;
    disagreements.hidden = !odd && !differing.checked;
    disagreements.lastChild.textContent = `${plural(odd, "disagreement")} only`;
    progress.value = done;
    progressText.textContent = `${count(done)} of ${count(findings.length)}`;
  }

  /** Draw what decisions and moves change, once for all that happens before the next frame. */
  function later() {
    drawing ||= requestAnimationFrame(() => { drawing = 0; changed(); });
  }

  function changed() {
    drawList();
    panel.count([...tally].map(([code, [, all]]) => [code, decidedOf(code), all]), decisions.people);
    stage.draw();
    if (!wall.element.hidden) wall.mark();
    const f = current();
    if (mode === "finding" && f && !picksOther()) panel.tools(f.choices, f.subject, f.check.code);
    else if (stage.box) panel.tools(state.boxChoices, subjectOfBox(stage.box));
  }

  function picked(b) {
    stage.wasPicked = true;
    if (mode === "finding" && isOwn(b, current())) return panel.finding(current(), at, shown.length);
    panel.box(b, stage.image.path);
    panel.tools(state.boxChoices, subjectOfBox(b));
  }

  function step(by) {
    if (mode === "image") return showImage(Math.min(Math.max(imageRow + by, 0), state.records - 1));
    if (skip.checked) {
      let k = at + by;
      while (shown[k] && isDecided(shown[k])) k += by;
      if (shown[k]) { at = k; show(); } else say("All that follow are decided");
    } else if (shown[at + by]) { at += by; show(); } else say(by > 0 ? "That was the last" : "That is the first");
  }

  /** What a decision would be about: the finding, or the box that was picked. */
  function target(action) {
    const f = current();
    if (action === "drop-image" && mode === "image") return { subject: `i:${stage.image.path}`, body: { record: { image: stage.image.path }, seen: { image: stage.image.path } }, choices: ["drop-image"] };
    if (picksOther()) {
      const b = stage.box, path = stage.image.path;
      return action === "drop-image" ? { subject: `i:${path}`, body: { record: { image: path }, seen: { image: path } }, choices: ["drop-image"] }
        : { subject: subjectOfBox(b), body: { record: recordOfBox(path, b), seen: seenOfBox(path, b) }, choices: state.boxChoices, category: b.class };
    }
    return mode === "finding" && f ? { subject: f.subject, body: { finding: f.print, seen: seenOf(f) }, choices: f.choices, category: f.category, isFinding: true, name: f.check.code } : null;
  }

  async function act(action, value) {
    if (!wall.element.hidden && (wall.isAsked || wall.chosen.size)) return onWall(action);
    if (!stage.image && (mode === "image" || stage.isPicking)) await stage.loaded();
    const t = target(action);
    if (!t) return;
    if (action === "comment") {
      const d = decisions.own(t.subject), text = await ask("Comment", d?.comment ?? "");
      if (text === null) return;
      return decisions.decide([[t.subject, given({ ...(d ?? { action: t.choices.includes("keep") ? "keep" : t.choices[0], ...t.body }), comment: text || undefined })]]);
    }
    if (!t.choices.includes(action)) return say(`${t.name ?? "This"} cannot take: ${action}`);
    if (action === "set-box" && value === undefined) return begin(false);
    value ??= await valueOf(action, t.category, allNames());
    if (value === null) return;
    const was = decisions.own(t.subject);
    const promise = decisions.decide([[t.subject, given({ action, ...t.body, value, comment: was?.comment })]]);
    if (t.isFinding) step(1);
    return promise;
  }

  /** Begin to change a box, once the image is there. */
  function begin(isNew) {
    return (pending = (async () => {
      await stage.loaded();
      pending = null;
      say(stage.begin(isNew) ? "Arrows move, Shift+arrows resize, Enter keeps" : "There is no box to change");
    })());
  }

  async function edited(box, isNew) {
    if (!isNew) return act("set-box", box);
    const name = await choose("Class of the new box", allNames());
    if (!name) return;
    const path = stage.image.path;
    await decisions.decide([[`n:${crypto.getRandomValues(new Uint32Array(3)).join("-")}`, { action: "add-box", record: { image: path }, value: { bbox_xyxy: box, category: name }, seen: { image: path } }]]);
    say(`New box: ${name}`);
  }

  /** Decide for all findings of the check that have no decision of their own. */
  async function decideWhole() {
    const f = current();
    if (mode !== "finding" || !f) return;
    const subject = `k:${f.check.code}`, was = decisions.own(subject), action = await askWhole(f.check, f.check.whole, was?.action);
    if (action === null) return;
    await decisions.decide([[subject, action ? given({ action, check: f.check.code, comment: was?.comment }) : null]]);
    say(action ? `${named(action)}: all of ${f.check.code} without a decision of their own` : `${f.check.code}: each finding for itself`);
  }

  async function decideClass() {
    const decision = await askClass(allNames(), state.classChoices);
    if (!decision) return;
    await decisions.decide([[`c:${decision.record.category}`, decision]]);
    say(`${decision.action}: ${decision.record.category}`);
  }

  async function onWall(action) {
    if (!["drop", "set-category", "mark-as-crowd"].includes(action)) return;
    if (!state.boxChoices.includes(action)) return say(`This format has no place for: ${action}`);
    const value = await valueOf(action, wall.name, allNames());
    if (value === null) return;
    const targets = await wall.targets();
    await decisions.decide(targets.map((t) => [t.subject, given({ action, record: t.record, seen: t.seen, value })]));
    wall.chosen.clear();
    wall.mark();
    say(`${named(action)}: ${plural(targets.length, "box", "boxes")}`);
  }

  async function openWall(name, asked = true) {
    name ??= asked ? await choose("Wall of which class?", names) : null;
    if (!name) return;
    app.classList.add("walled");
    wall.isAsked = asked;
    await wall.open(name, "size", asked);
  }

  function closeWall() {
    wall.close();
    app.classList.remove("walled");
  }

  function undo() {
    const subject = decisions.undo();
    const k = shown.findIndex((f) => f.subject === subject);
    if (k >= 0) { at = k; show(); }
    say(subject ? "Undone" : "Nothing to undo");
  }

  async function jump() {
    const path = await choose("Jump to an image", state.images.slice(0, state.records));
    if (path) { closeWall(); showImage(state.images.indexOf(path)); }
  }

  function key(e) {
    if (stage.edit) return stage.editKey(e);
    if (e.ctrlKey || e.metaKey || e.altKey) return false;
    if (!wall.element.hidden) {
      if (e.key === "Escape") { closeWall(); if (mode === "finding") stage.element.focus({ preventScroll: true }); return true; }
      if (wall.key(e)) return true;
    }
    const action = actionOf(e.key);
    if (action) act(action);
    else if (e.key === "C") decideWhole();
    else if (e.key === "L") decideClass();
    else if (e.key === "n" || e.key === "j") step(1);
    else if (e.key === "p") step(-1);
    else if (e.key === "o") act("comment");
    else if (e.key === "u") undo();
    else if (e.key === "x") { const t = target(""); if (t && decisions.own(t.subject)) decisions.decide([[t.subject, null]]); }
    else if (e.key === "B") !state.canAdd ? say("This format has no place for new boxes") : stage.row >= state.records ? say("No record names this image: it takes no boxes") : begin(true);
    else if (e.key === "[") stage.select(-1);
    else if (e.key === "]") stage.select(1);
    else if (e.key === "z") { const b = current()?.box, shape = stage.box ?? (b && { box: b }); if (shape) stage.viewer.zoomTo(extentOf(shape), 0.35); }
    else if (e.key === "h") { stage.hidden = !stage.hidden; stage.draw(); }
    else if (e.key === "g" && current()?.group.length) toMember(member + 1 < current().group.length ? member + 1 : -1);
    else if (e.key === "s") { skip.checked = !skip.checked; filter(); }
    else if (e.key === "v") openWall();
    else if (e.key === "J") jump();
    else if (e.key === "/") search.focus();
    else if (e.key === "?") showKeys("Keys", KEYS);
    else if (e.key === "Escape" && mode === "image") show();
    else return stage.viewer.shown ? stage.viewer.key(e.key) : false;
    return true;
  }

  document.addEventListener("keydown", (e) => {
    if (isTyping(e)) { if (e.key === "Escape") e.target.blur(); return; }
    if (document.querySelector("dialog[open]")) return;
    if (e.target.closest("button, summary, a") && (e.key === "Enter" || e.key === " ")) return;
    if (pending) { // a box is about to be changed: the keys are for it
      e.preventDefault();
      return void pending.then(() => document.querySelector("dialog[open]") ? typeInto(e) : key(e));
    }
    if (key(e)) e.preventDefault();
  });
  decisions.addEventListener("change", later);
  await decisions.refresh();
  const first = findings.findIndex((f) => !isDecided(f));
  at = Math.max(first, 0);
  show();
  changed();
  stage.element.focus({ preventScroll: true });
  setInterval(() => decisions.refresh().catch((e) => say(e instanceof TypeError ? "The server is gone: start dsinspect review serve again with the same --store" : e.message)), 2000);
  document.documentElement.dataset.ready = "true";
}

start().catch((e) => say(e.message));

// Decisions: kept in the browser until they are saved as decisions.json; every one can be undone.

import { h, say, plural } from "./dom.js";
import { given } from "./actions.js";
import { boxChoices, canAdd, checks, classChoices, dataset, findings, settings, tool } from "./data.js";

const byPrint = new Map(findings.map((f) => [f.print, f])), byCode = new Map(checks.map((c) => [c.code, c]));

/** What a decision is about, as a key: f: finding, k: whole check, a: annotation, i: image, c: class, n: new box. */
export const subjectOf = {
  finding: (f) => `f:${f.print}`,
  check: (code) => `k:${code}`,
  record: (r, value) => (value?.bbox_xyxy ? `n:${r.image} ${JSON.stringify(value)}` : r.source !== undefined ? `a:${r.source}\n${r.index ?? r.id}` : r.category !== undefined ? `c:${r.category}` : `i:${r.image}`),
};

class Decisions extends EventTarget {
  constructor() {
    super();
    this.made = new Map(); // subject -> {action, value, comment}, and what it is about where that is no finding: {check} or {record, seen}
    this.log = [];
    this.isKept = true;
    this.unsaved = 0;
    let hash = 5381;
    for (const f of findings) for (const c of f.print) hash = ((hash * 33) ^ c.charCodeAt(0)) >>> 0;
    this.key = `dsinspect ${dataset} ${findings.length} ${hash.toString(16)}`;
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      for (const [subject, decision] of kept?.made ?? []) if (!subject.startsWith("f:") || byPrint.has(subject.slice(2))) this.made.set(subject, decision);
      this.reviewer = kept?.reviewer ?? "";
      this.log = kept?.log ?? [];
      this.unsaved = kept?.unsaved ?? this.made.size;
      this.isAsked = kept?.isAsked ?? false; // for a name
    } catch {
      this.isKept = false;
      this.reviewer = "";
    }
    this.count();
  }

  of(finding) {
    return this.made.get(subjectOf.finding(finding));
  }

  /** The decision on a finding, else the one that stands for all of its check. */
  standing(finding) {
    return this.of(finding) ?? this.made.get(subjectOf.check(finding.check.code));
  }

  /** Count what is decided; a decision on a whole check counts for all of its findings. */
  count() {
    this.own = new Map();
    for (const subject of this.made.keys()) {
      const f = subject.startsWith("f:") ? byPrint.get(subject.slice(2)) : null;
      if (f) this.own.set(f.check.code, (this.own.get(f.check.code) ?? 0) + 1);
    }
    this.decided = checks.reduce((sum, c) => sum + (this.made.has(subjectOf.check(c.code)) ? c.shown : this.own.get(c.code) ?? 0), 0);
  }

  /** The boxes that are to be added to an image: {box, category}. */
  added(path) {
    return [...this.made.values()].filter((d) => d.action === "add-box" && d.record.image === path).map((d) => ({ box: d.value.bbox_xyxy, category: d.value.category }));
  }

  /** The decisions on classes. */
  ofClasses() {
    return [...this.made.values()].filter((d) => d.record?.category !== undefined);
  }

  /** Decide subjects alike, or take their decisions away (null); one undo takes it all back. */
  decide(subjects, decision) {
    this.log.push(subjects.map((s) => [s, this.made.get(s) ?? null]));
    if (this.log.length > 1000) this.log.shift();
    for (const s of subjects) {
      const comment = this.made.get(s)?.comment;
      if (decision) this.made.set(s, comment && !decision.comment ? { ...decision, comment } : decision);
      else this.made.delete(s);
    }
    this.changed(subjects);
  }

  /** Take the last decision back; return what it was about. */
  undo() {
    const last = this.log.pop();
    if (!last) return say("Nothing to undo");
    for (const [s, before] of last) before ? this.made.set(s, before) : this.made.delete(s);
    this.changed(last.map(([s]) => s));
    say(`Undone: ${plural(last.length, "decision")}`);
    return byPrint.get(last[0]?.[0].slice(2));
  }

  changed(subjects) {
    this.unsaved += subjects.length;
    this.count();
    this.keep();
    this.dispatchEvent(new CustomEvent("change", { detail: subjects.some((s) => s.startsWith("k:")) ? null : new Set(subjects) }));
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ made: [...this.made], log: this.log.slice(-200), reviewer: this.reviewer, unsaved: this.unsaved, isAsked: this.isAsked }));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }

  /** The document that `dsinspect review apply` takes. */
  document() {
    const rows = findings.filter((f) => this.of(f)).map((f) => {
      const d = this.of(f), record = { source: f.source, line: f.line, index: f.index, id: f.annotation };
      const seen = { ...f.seen, annotation: Object.values(record).some((v) => v !== null) ? given(record) : null };
      return this.row({ ...d, finding: f.print, seen: given(seen) });
    });
    for (const [subject, d] of this.made) if (!subject.startsWith("f:")) rows.push(this.row(d));
    const head = { schema_version: 1, tool, dataset, settings };
    const lines = Object.entries(head).map(([k, v]) => `"${k}": ${JSON.stringify(v)}`);
    return `{${lines.join(",\n ")},\n "decisions": [${rows.map((r) => `\n  ${JSON.stringify(r)}`).join(",")}]}\n`;
  }

  row({ action, finding, record, check, value, comment, seen }) {
    return given({ action, finding, record, check, value, comment, reviewer: this.reviewer || null, seen });
  }

  save() {
    const url = URL.createObjectURL(new Blob([this.document()], { type: "application/json" }));
    h("a", { href: url, download: "decisions.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    this.unsaved = 0;
    this.keep();
    say(`Saved decisions.json: ${plural(this.made.size, "decision")}`);
    this.dispatchEvent(new CustomEvent("change", { detail: new Set() }));
  }

  /** Take up decisions that were saved before; those of findings that this page does not hold are counted. */
  take(text) {
    const read = JSON.parse(text);
    if (read.schema_version !== 1 || !Array.isArray(read.decisions)) throw new Error("it holds no decisions");
    const taken = read.decisions.map((d) => [placed(d), given({ action: d.action, value: d.value, comment: d.comment, record: d.record, check: d.check, seen: d.finding ? null : d.seen })]).filter(([s]) => s);
    this.log.push(taken.map(([s]) => [s, this.made.get(s) ?? null]));
    for (const [s, d] of taken) this.made.set(s, d);
    this.changed(taken.map(([s]) => s));
    return [taken.length, read.decisions.length - taken.length];
  }
}

/** Return the subject of a decision that was saved before, or null when this page cannot take it. */
function placed(d) {
  if (d.finding !== undefined) return byPrint.get(d.finding)?.choices.includes(d.action) ? `f:${d.finding}` : null;
  if (d.check !== undefined) return byCode.get(d.check)?.whole.includes(d.action) ? subjectOf.check(d.check) : null;
  const possible = d.record?.source !== undefined || d.action === "drop-image" ? boxChoices : d.action === "add-box" ? (canAdd ? ["add-box"] : []) : classChoices;
  return d.record && possible.includes(d.action) ? subjectOf.record(d.record, d.value) : null;
}

export const decisions = new Decisions();

window.addEventListener("beforeunload", (event) => {
  if (!decisions.isKept && decisions.unsaved) event.preventDefault();
});

// Decisions: kept in the browser until they are saved as decisions.json; every one can be undone.

import { h, say, plural } from "./dom.js";
import { dataset, settings, tool, findings } from "./data.js";

const byPrint = new Map(findings.map((f) => [f.print, f]));

class Decisions extends EventTarget {
  constructor() {
    super();
    this.made = new Map();
    this.log = [];
    this.isKept = true;
    this.unsaved = 0;
    let hash = 5381;
    for (const f of findings) for (const c of f.print) hash = ((hash * 33) ^ c.charCodeAt(0)) >>> 0;
    this.key = `dsinspect ${dataset} ${findings.length} ${hash.toString(16)}`;
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      for (const [print, decision] of kept?.made ?? []) if (byPrint.has(print)) this.made.set(print, decision);
      this.reviewer = kept?.reviewer ?? "";
      this.log = kept?.log ?? [];
      this.unsaved = kept?.unsaved ?? this.made.size;
    } catch {
      this.isKept = false;
      this.reviewer = "";
    }
  }

  of(finding) {
    return this.made.get(finding.print);
  }

  /** Decide findings alike; one undo takes it all back. */
  decide(some, decision) {
    this.log.push(some.map((f) => [f.print, this.made.get(f.print) ?? null]));
    if (this.log.length > 1000) this.log.shift();
    for (const f of some) {
      const comment = this.made.get(f.print)?.comment;
      this.made.set(f.print, comment && !decision.comment ? { ...decision, comment } : decision);
    }
    this.changed(some.map((f) => f.print));
  }

  /** Take decisions away. */
  clear(some) {
    this.log.push(some.map((f) => [f.print, this.made.get(f.print) ?? null]));
    for (const f of some) this.made.delete(f.print);
    this.changed(some.map((f) => f.print));
  }

  undo() {
    const last = this.log.pop();
    if (!last) return say("Nothing to undo");
    for (const [print, before] of last) before ? this.made.set(print, before) : this.made.delete(print);
    this.changed(last.map(([print]) => print));
    say(`Undone: ${plural(last.length, "decision")}`);
    return byPrint.get(last[0][0]);
  }

  changed(prints) {
    this.unsaved += prints.length;
    this.keep();
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(prints) }));
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ made: [...this.made], log: this.log.slice(-200), reviewer: this.reviewer, unsaved: this.unsaved }));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }

  /** The document that `dsinspect review apply` takes. */
  document() {
    const rows = findings.filter((f) => this.made.has(f.print)).map((f) => {
      const d = this.made.get(f.print);
      const record = { source: f.source, line: f.line, index: f.index, id: f.annotation };
      const seen = { ...f.seen, annotation: Object.values(record).some((v) => v !== null) ? given(record) : null };
      return given({ action: d.action, finding: f.print, value: d.value ?? null, comment: d.comment ?? null, reviewer: this.reviewer || null, seen: given(seen) });
    });
    const head = { schema_version: 1, tool, dataset, settings };
    const lines = Object.entries(head).map(([k, v]) => `"${k}": ${JSON.stringify(v)}`);
    return `{${lines.join(",\n ")},\n "decisions": [${rows.map((r) => `\n  ${JSON.stringify(r)}`).join(",")}]}\n`;
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
    const known = read.decisions.filter((d) => byPrint.has(d.finding) && byPrint.get(d.finding).choices.includes(d.action));
    this.log.push(known.map((d) => [d.finding, this.made.get(d.finding) ?? null]));
    for (const d of known) this.made.set(d.finding, given({ action: d.action, value: d.value, comment: d.comment }));
    this.changed(known.map((d) => d.finding));
    return [known.length, read.decisions.length - known.length];
  }
}

const given = (record) => Object.fromEntries(Object.entries(record).filter(([, v]) => v !== null && v !== undefined));

export const decisions = new Decisions();

window.addEventListener("beforeunload", (event) => {
  if (!decisions.isKept && decisions.unsaved) event.preventDefault();
});

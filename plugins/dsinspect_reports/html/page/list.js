// The list of findings: only rows near the window are in the document, however many there are.

import { h, count } from "./dom.js";
import { overlay } from "./viewer.js";
import { buttonsOf, valueText } from "./actions.js";
import { subjectOf } from "./decisions.js";
import { SEVERITIES, images } from "./data.js";

const CHUNK = 40;

export class FindingList {
  constructor(root, { decisions, ondecide, onopen, onfocus }) {
    Object.assign(this, { root, decisions, ondecide, onopen, onfocus });
    this.chunks = [];
    this.shown = [];
    this.watcher = new IntersectionObserver((entries) => {
      for (const e of entries) e.isIntersecting ? this.fill(e.target) : this.empty(e.target);
    }, { rootMargin: "1200px 0px" });
  }

  /** Show these findings in this order. */
  set(findings) {
    this.watcher.disconnect();
    this.shown = findings;
    this.position = new Map(findings.map((f, k) => [f.number, k]));
    for (const chunk of this.chunks) chunk.remove();
    this.chunks = [];
    const guess = this.rowHeight ?? (matchMedia("(max-width: 760px)").matches ? 420 : 170);
    for (let start = 0; start < findings.length; start += CHUNK) {
      const chunk = h("div", { className: "chunk", dataset: { start } });
      chunk.style.height = `${Math.min(CHUNK, findings.length - start) * guess}px`;
      this.chunks.push(chunk);
    }
    if (this.chunks.length) this.fill(this.chunks[0]);
    this.root.append(...this.chunks);
    this.root.setAttribute("aria-rowcount", findings.length + 1);
    for (const chunk of this.chunks) this.watcher.observe(chunk);
  }

  fill(chunk) {
    if (chunk.childElementCount) return;
    const start = Number(chunk.dataset.start);
    chunk.style.height = "";
    chunk.setAttribute("role", "rowgroup");
    chunk.append(...this.shown.slice(start, start + CHUNK).map((f, k) => this.row(f, start + k)));
  }

  empty(chunk) {
    if (!chunk.childElementCount || chunk.contains(document.activeElement)) return;
    const height = chunk.getBoundingClientRect().height;
    if (!height) return;
    this.rowHeight = height / chunk.childElementCount;
    chunk.style.height = `${height}px`;
    chunk.removeAttribute("role");
    chunk.replaceChildren();
  }

  /** Draw rows again whose decision changed; all that are in the document when none are named. */
  refresh(subjects) {
    for (const row of this.root.querySelectorAll(".finding")) {
      const f = this.shown[Number(row.dataset.at)];
      if (subjects && !subjects.has(subjectOf.finding(f))) continue;
      const had = row.contains(document.activeElement);
      const made = this.row(f, Number(row.dataset.at));
      row.replaceWith(made);
      if (had) made.focus({ preventScroll: true });
    }
  }

  row(f, at) {
    const name = SEVERITIES[f.severity], own = this.decisions.of(f), d = this.decisions.standing(f);
    const row = h("div", { className: `finding ${d ? "decided" : ""}`, role: "row", tabIndex: -1, "aria-rowindex": at + 2, dataset: { at },
      onfocus: () => this.onfocus(f) });
    row.addEventListener("focusin", () => this.onfocus(f));
    const size = f.box ? `${count(Math.round(f.box[2] - f.box[0]))} x ${count(Math.round(f.box[3] - f.box[1]))}` : "";
    row.append(
      h("div", { role: "cell", className: "shots" }, ...this.shots(f)),
      h("div", { role: "cell", className: "what" },
        h("p", { className: "head" }, h("span", { className: `badge ${name}`, textContent: name }), " ", h("b", { textContent: f.check.code }), " ", f.check.name),
        h("p", { className: "message", textContent: f.message }), h("p", { className: "place quiet", textContent: f.place }), this.why(f)),
      h("div", { role: "cell", className: "class" }, f.category ?? ""),
      h("div", { role: "cell", className: "split" }, f.split ?? ""),
      h("div", { role: "cell", className: "size" }, size),
      h("div", { role: "cell", className: "decide" }, ...this.tools(f), d ? this.made(d, own ? "" : `all of ${f.check.code}: `) : null));
    return row;
  }

  why(f) {
    const details = h("details", {}, h("summary", { textContent: f.fix ? `Why, and the fix (${f.fix[0]})` : "Why it matters" }));
    details.addEventListener("toggle", () => {
      if (!details.open || details.childElementCount > 1) return;
      const fix = f.fix ? h("p", { textContent: `Fix: ${f.fix[1]} (${f.fix[0]}: ${f.fix[0] === "safe" ? "loses nothing that a trainer could use" : "loses something; look first"})` }) : null;
      const limits = f.check.limits.length ? h("p", {}, "Limits: ", ...f.check.limits.flatMap(([k, v]) => [h("code", { textContent: `${f.check.code}.${k}=${v}` }), " "])) : null;
      details.append(...[fix, ...f.check.why.split("\n\n").map((p) => h("p", { className: "pre", textContent: p })), limits].filter(Boolean));
    });
    return details;
  }

  shots(f) {
    const room = f.crops.length > 1 ? 84 : 108;
    const made = f.crops.map((place, k) => {
      const path = images[place.image][0];
      if (!place.src) return h("span", { className: "noshot", textContent: place.reason ?? "no image" });
      const [w, ht] = place.size, scale = Math.min(room / ht, 144 / w);
      const button = h("button", { type: "button", className: "shot", title: path, "aria-label": `Open ${path}`, tabIndex: -1, onclick: () => this.onopen(f, k) },
        h("img", { src: `data:image/jpeg;base64,${place.src}`, alt: "", width: Math.round(w * scale), height: Math.round(ht * scale), decoding: "async" }),
        overlay(place.window, [...(place.around ?? []).map((s) => ({ ...s, kind: "plain" })), ...place.boxes.map((s, n) => ({ ...s, kind: n ? "other" : "mark" }))]));
      return button;
    });
    return made.length ? made : [h("span", { className: "noshot", textContent: f.image ? "not in the page" : "" })];
  }

  tools(f) {
    return buttonsOf(f.choices, this.decisions.of(f)?.action, (a) => this.ondecide(a, f), { tabIndex: -1 });
  }

  made(d, whose) {
    return h("p", { className: "made" }, whose + [d.action, valueText(d.value)].filter(Boolean).join(" "), d.comment ? h("span", { className: "quiet", textContent: ` · ${d.comment}` }) : null);
  }

  /** Bring a finding into sight and focus it. */
  go(f) {
    const at = this.position.get(f.number);
    if (at === undefined) return;
    this.fill(this.chunks[Math.floor(at / CHUNK)]);
    const row = this.root.querySelector(`.finding[data-at="${at}"]`);
    row.scrollIntoView({ block: "nearest" });
    row.focus({ preventScroll: true });
  }
}

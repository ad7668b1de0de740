// The panel beside the image: the finding, what can be decided, what others decided, and the counters.

import { h, count } from "./dom.js";
import { buttonsOf, valueText } from "./actions.js";
import { SEVERITIES } from "./state.js";

export class Panel {
  constructor(root, { decisions, act }) {
    Object.assign(this, { decisions, act });
    this.about = h("div", { className: "about" });
    this.buttons = h("div", { className: "tools" });
    this.made = h("div", { className: "made" });
    this.counters = h("div", {});
    const isWide = matchMedia("(min-width: 901px)"); // on a phone the list is what comes after the buttons
    this.folded = h("details", { className: "counters", open: isWide.matches }, h("summary", { textContent: "Counts by check and reviewer" }), this.counters);
    isWide.addEventListener("change", () => { this.folded.open = isWide.matches; });
    root.append(this.about, this.buttons, this.made, this.folded);
  }

  finding(f, place, total) {
    const name = SEVERITIES[f.severity];
    this.about.replaceChildren(
      h("p", { className: "quiet", textContent: `Finding ${count(place + 1)} of ${count(total)}` }),
      h("p", {}, h("span", { className: `badge ${name}`, textContent: name }), " ", h("b", { textContent: f.check.code }), ` ${f.check.name}`),
      h("p", { className: "message", textContent: f.message }),
      h("p", { className: "quiet place", textContent: [f.path, f.category, f.split, f.annotation === null ? null : `annotation ${f.annotation}`].filter(Boolean).join(" · ") }),
      h("details", {}, h("summary", { textContent: f.fix ? `Why, and the fix: ${f.fix[1]} (${f.fix[0]})` : "Why it matters" }), ...f.check.why.split("\n\n").map((p) => h("p", { className: "pre", textContent: p })),
        h("p", {}, ...f.check.limits.flatMap(([k, v]) => [h("code", { textContent: `${f.check.code}.${k}=${v}` }), " "]))));
    this.tools(f.choices, f.subject, f.check.code);
  }

  /** A box that was picked: decisions are about it, not about the finding. */
  box(b, path) {
    this.about.replaceChildren(h("p", { className: "quiet", textContent: "Box" }), h("p", {}, h("b", { textContent: b.class ?? "no class" }), ` ${b.box.map((v) => Number(v.toFixed(1))).join(", ")}`),
      h("p", { className: "quiet place", textContent: `${path} · annotation ${b.id}` }));
  }

  image(path, row, total) {
    this.about.replaceChildren(h("p", { className: "quiet", textContent: `Image ${count(row + 1)} of ${count(total)}` }), h("p", { className: "place", textContent: path }));
  }

  tools(choices, subject, code = null) {
    this.buttons.replaceChildren(...buttonsOf(choices, this.decisions.of(subject)?.action, (a) => this.act(a)));
    const all = [...(this.decisions.by.get(subject) ?? [])], whole = code && [...(this.decisions.by.get(`k:${code}`) ?? [])];
    const line = (who, x, of = "") => h("p", { className: who === this.decisions.reviewer ? "own" : "other", textContent: `${who === this.decisions.reviewer ? "You" : who || "Somebody"}${of}: ${x.action} ${valueText(x.value)}${x.comment ? ` · ${x.comment}` : ""}` });
    this.made.replaceChildren(...all.map(([who, x]) => line(who, x)), ...(whole || []).map(([who, x]) => line(who, x, ` on all of ${code}`)));
    if (this.decisions.differ(subject)) this.made.append(h("p", { className: "differ", textContent: "Reviewers disagree: nothing of it will be applied." }));
  }

  /** Counters per check (code, decided, all) and per reviewer. */
  count(checks, people) {
    const table = (title, rows) => h("table", {}, h("caption", { textContent: title }), h("tbody", {}, ...rows.map(([a, b]) => h("tr", {}, h("th", { scope: "row", textContent: a }), h("td", { className: "n", textContent: b })))));
    this.counters.replaceChildren(table("Decided by check", [...checks].sort().map(([c, n, of]) => [c, `${count(n)} of ${count(of)}`])), table("By reviewer", [...people].filter(([, n]) => n).sort().map(([who, n]) => [who || "(no name)", count(n)])));
  }
}

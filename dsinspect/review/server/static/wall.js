// A wall of the boxes of one class: look at many at once, choose the odd ones, decide on all that are chosen.

import { h, count } from "./dom.js";
import { api, recordOfBox, seenOfBox, subjectOfBox } from "./state.js";

export class Wall {
  constructor(root, { state, decisions, stage, onopen, onsort }) {
    Object.assign(this, { state, decisions, stage, onopen });
    this.title = h("h2", {});
    this.grid = h("ul", { className: "wall", role: "listbox", "aria-multiselectable": "true", "aria-label": "Boxes of the class" });
    this.sorts = h("select", { "aria-label": "Order", onchange: () => { this.open(this.name, this.sorts.value); onsort?.(); } }, ...state.sorts.map((s) => h("option", { value: s, textContent: { size: "largest first", smallest: "smallest first", distance: "most unusual first", score: "lowest score first", image: "by image" }[s] ?? s })));
    this.more = h("button", { type: "button", textContent: "More", onclick: () => this.fetch() });
    this.element = h("section", { className: "wallview", hidden: true }, h("div", { className: "bar" }, this.title, this.sorts, this.hint = h("p", { className: "quiet" })), this.grid, this.more);
    root.append(this.element);
    this.chosen = new Set();
  }

  async open(name, sort = "size", take = true) {
    Object.assign(this, { name, items: [], at: 0, chosen: new Set() });
    this.sorts.value = sort;
    this.grid.replaceChildren();
    this.title.textContent = name;
    this.element.hidden = false;
    await this.fetch();
    if (take) this.focus(0);
  }

  async fetch() {
    const { name } = this, { total, items } = await api.wall(name, this.sorts.value, this.items.length);
    if (name !== this.name) return;
    this.total = total;
    for (const item of items) {
      const k = this.items.push(item) - 1;
      const [x1, y1, x2, y2] = item.box;
      this.grid.append(h("li", { role: "option", "aria-selected": "false", tabIndex: -1, dataset: { k }, title: this.state.images[item.image], onclick: (e) => { this.focus(k); if (e.detail) this.toggle(k); }, ondblclick: () => this.onopen(item) },
        h("img", { src: `crop/${item.row}`, alt: "", loading: "lazy", decoding: "async" }), h("span", { textContent: `${count(Math.round(x2 - x1))} x ${count(Math.round(y2 - y1))}${item.score === null ? "" : `, score ${item.score.toPrecision(3)}`}` }), h("b", {})));
    }
    this.more.hidden = this.items.length >= total;
    this.mark();
  }

  mark() {
    this.hint.textContent = `${count(this.items?.length ?? 0)} of ${count(this.total ?? 0)} shown, ${count(this.chosen.size)} chosen. Space chooses, A all, d drops, c gives a class, ${this.state.boxChoices.includes("mark-as-crowd") ? "w marks as crowd, " : ""}Enter opens, Esc leaves.`;
    for (const li of this.grid.children) {
      const item = this.items[li.dataset.k];
      li.setAttribute("aria-selected", String(this.chosen.has(Number(li.dataset.k))));
      const d = item.subject ? this.decisions.of(item.subject) : undefined;
      li.querySelector("b").textContent = d ? [d.action, typeof d.value === "string" ? d.value : ""].join(" ") : "";
    }
  }

  focus(k) {
    this.at = Math.min(Math.max(k, 0), this.items.length - 1);
    this.grid.children[this.at]?.focus();
  }

  toggle(k) {
    this.chosen.has(k) ? this.chosen.delete(k) : this.chosen.add(k);
    this.mark();
  }

  get columns() {
    const first = this.grid.children[0]?.offsetTop;
    const n = [...this.grid.children].findIndex((li) => li.offsetTop !== first);
    return n < 1 ? this.grid.children.length || 1 : n;
  }

  /** The chosen boxes, or the one in focus, with all that a decision on them needs. */
  async targets() {
    const which = this.chosen.size ? [...this.chosen] : [this.at];
    return Promise.all(which.map(async (k) => {
      const item = this.items[k], image = await this.stage.load(item.image), b = image.boxes.find((x) => x.row === item.row);
      item.subject = subjectOfBox(b);
      return { subject: item.subject, record: recordOfBox(image.path, b), seen: seenOfBox(image.path, b) };
    }));
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (step) {
      if (event.shiftKey) this.chosen.add(this.at);
      this.focus(this.at + step);
      if (event.shiftKey) this.chosen.add(this.at);
      this.mark();
      if (this.at > this.items.length - 30 && !this.more.hidden) this.fetch();
    } else if (event.key === " ") this.toggle(this.at);
    else if (event.key === "A") { this.items.forEach((_, k) => this.chosen.add(k)); this.mark(); }
    else if (event.key === "Enter") this.onopen(this.items[this.at]);
    else return false;
    return true;
  }

  close() {
    this.element.hidden = true;
  }
}

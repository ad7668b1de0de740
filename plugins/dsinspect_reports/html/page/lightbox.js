// The whole image of a finding, to zoom and move; every decision can be taken here as well.

import { h } from "./dom.js";
import { Viewer } from "./viewer.js";
import { classes, images, whole } from "./data.js";

export class Lightbox {
  constructor({ onkey, onclose }) {
    this.onclose = onclose;
    this.stage = h("div", { className: "stage", tabIndex: 0, role: "img", "aria-label": "Image with its boxes" });
    this.title = h("p", { className: "title" });
    this.note = h("p", { className: "quiet" });
    this.tools = h("div", { className: "tools" });
    this.buttons = h("div", { className: "zoom" },
      ...[["−", "-", "Zoom out"], ["+", "+", "Zoom in"], ["Fit", "0", "Whole image"], ["Object", "z", "Zoom to the object"]].map(([text, key, name]) =>
        h("button", { type: "button", textContent: text, title: `${name} (${key})`, "aria-label": name, onclick: () => this.key(key) })),
      h("button", { type: "button", textContent: "Close", title: "Close (Esc)", onclick: () => this.close() }));
    this.dialog = h("dialog", { className: "lightbox", "aria-label": "Image of the finding" },
      h("div", { className: "bar" }, this.title, this.buttons), this.stage, h("div", { className: "bar" }, this.note, this.tools));
    this.dialog.addEventListener("cancel", (e) => { e.preventDefault(); this.close(); });
    this.dialog.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.target.tagName === "BUTTON" && (e.key === "Enter" || e.key === " ")) return;
      if (this.key(e.key) || onkey(e)) e.preventDefault();
    });
    document.body.append(this.dialog);
    this.viewer = new Viewer(this.stage);
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Show one of the places of a finding. */
  open(finding, which, tools) {
    const place = finding.crops[which] ?? finding.crops[0];
    if (!place?.src) return false;
    this.finding = finding;
    this.which = finding.crops.indexOf(place);
    const full = whole[place.image];
    const marks = place.boxes.map((box, k) => ({ box, kind: k ? "other" : "mark", label: k ? "other" : finding.category ?? "" }));
    const same = (a, b) => a.every((v, k) => Math.abs(v - b[k]) < 0.02);
    const plain = (full?.boxes ?? []).filter((b) => !place.boxes.some((m) => same(b.slice(0, 4), m)))
      .map((b) => ({ box: b.slice(0, 4), kind: "plain", label: classes[b[4]] ?? "no class" }));
    this.title.textContent = images[place.image][0];
    this.note.textContent = `${finding.check.code}: ${finding.message}` + (full ? "" : " (the page has only this part of the image: --max-mb)");
    this.tools.replaceChildren(...tools);
    if (finding.crops.length > 1) this.tools.prepend(h("button", { type: "button", textContent: `Image ${this.which + 1} of ${finding.crops.length}`, title: "Next image of the group (g)", onclick: () => this.key("g") }));
    if (!this.dialog.open) this.dialog.showModal();
    this.viewer.show({ src: `data:image/jpeg;base64,${(full ?? place).src}`, window: (full ?? place).window, alt: images[place.image][0], boxes: [...plain, ...marks] });
    this.marks = marks;
    this.stage.focus();
    return true;
  }

  key(name) {
    if (name === "z" && this.marks.length) this.viewer.zoomTo(this.marks[0].box);
    else if (name === "g") this.open(this.finding, (this.which + 1) % this.finding.crops.length, [...this.tools.children].filter((c) => !c.textContent.startsWith("Image ")));
    else if (name === "Enter") this.close();
    else return this.viewer.key(name);
    return true;
  }

  close() {
    this.dialog.close();
    this.onclose();
  }
}

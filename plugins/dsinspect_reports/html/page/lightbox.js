// The whole image of a finding, to zoom and move; boxes are picked, changed and added here, and every decision can be taken.

import { h } from "./dom.js";
import { BoxStage, same } from "./boxes.js";
import { extentOf } from "./viewer.js";
import { boxesOf, images, whole } from "./data.js";

export class Lightbox {
  constructor({ onkey, onclose, onedit, onpick, of, added }) {
    this.onclose = onclose;
    const element = h("div", { className: "stage", tabIndex: 0, role: "application", "aria-label": "Image with its boxes; ? shows the keys" });
    this.title = h("p", { className: "title" });
    this.note = h("p", { className: "quiet" });
    this.tools = h("div", { className: "tools" });
    this.next = h("button", { type: "button", title: "Next image of the group (g)", onclick: () => this.key("g") });
    this.buttons = h("div", { className: "zoom" }, this.next,
      ...[["−", "-", "Zoom out"], ["+", "+", "Zoom in"], ["Fit", "0", "Whole image"], ["Object", "z", "Zoom to the object"]].map(([text, key, name]) =>
        h("button", { type: "button", textContent: text, title: `${name} (${key})`, "aria-label": name, onclick: () => this.key(key) })),
      this.draw = h("button", { type: "button", textContent: "Add box", title: "Draw a box that is missing (B)", onclick: () => onkey({ key: "B" }) }),
      h("button", { type: "button", textContent: "Close", title: "Close (Esc)", onclick: () => this.close() }));
    this.dialog = h("dialog", { className: "lightbox", "aria-label": "Image of the finding" },
      h("div", { className: "bar" }, this.title, this.buttons), element, h("div", { className: "bar" }, this.note, this.tools));
    this.dialog.addEventListener("cancel", (e) => { e.preventDefault(); this.stage.edit ? this.stage.cancel() : this.close(); });
    this.dialog.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (this.stage.edit) return void (this.stage.editKey(e) && e.preventDefault());
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.target.tagName === "BUTTON" && (e.key === "Enter" || e.key === " ")) return;
      if (this.key(e.key) || onkey(e)) e.preventDefault();
    });
    document.body.append(this.dialog);
    this.stage = new BoxStage(element, { of, added, onedit, onpick });
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Say whether a record names the image that is shown. */
  get isRecord() {
    return !images[this.place.image][1];
  }

  /** The path of the image that is shown. */
  get path() {
    return images[this.place.image][0];
  }

  /** Show one of the places of a finding; say whether it has one. */
  open(finding, which) {
    const place = finding.crops[which] ?? finding.crops[0];
    if (!place?.src) return false;
    Object.assign(this, { finding, place, which: finding.crops.indexOf(place) });
    const full = whole[place.image], boxes = boxesOf(place.image);
    const own = boxes.find((b) => finding.isOwn(b));
    place.boxes.forEach((shape, k) => {
      const known = k ? boxes.find((b) => b !== own && same(b.box, shape.box)) : own;
      if (!known) boxes.push({ ...shape, class: k ? "other" : finding.category ?? "", isOther: k > 0, isMark: !k }); // without an address of its own
      else if (k) known.isOther = true;
    });
    this.title.textContent = this.path;
    this.next.hidden = finding.crops.length < 2;
    this.next.textContent = `Image ${this.which + 1} of ${finding.crops.length}`;
    this.about(finding);
    if (!this.dialog.open) this.dialog.showModal();
    this.stage.viewer.show({ src: `data:image/jpeg;base64,${(full ?? place).src}`, window: (full ?? place).window, alt: this.path, boxes: [] });
    this.stage.set({ path: this.path, boxes }, { marks: place.boxes.slice(0, 1), isOwn: (b) => finding.isOwn(b) });
    this.stage.draw();
    this.stage.viewer.fitWith(place.boxes[0] && extentOf(place.boxes[0]));
    this.stage.element.focus();
    return true;
  }

  /** Say what the image is shown for. */
  about(finding) {
    this.note.textContent = `${finding.check.code}: ${finding.message}` + (whole[this.place.image] ? "" : " (the page has only this part of the image: --max-mb)");
  }

  key(name) {
    const own = this.stage.box ?? this.place.boxes[0];
    if (name === "z" && own) this.stage.viewer.zoomTo(extentOf(own));
    else if (name === "g") this.open(this.finding, (this.which + 1) % this.finding.crops.length);
    else if (name === "[" || name === "]") this.stage.select(name === "]" ? 1 : -1);
    else if (name === "Enter") this.close();
    else return this.stage.viewer.key(name);
    return true;
  }

  close() {
    this.dialog.close();
    this.onclose();
  }
}

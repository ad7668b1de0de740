// The parts of the report as tabs, and tables that sort by a click on a heading.

const tabs = [...document.querySelectorAll('[role="tab"]')];

/** Show one part of the report. */
export function showTab(name) {
  for (const tab of tabs) {
    const own = tab.getAttribute("aria-controls") === name;
    tab.setAttribute("aria-selected", String(own));
    tab.tabIndex = own ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !own;
  }
}

for (const tab of tabs) {
  tab.addEventListener("click", () => showTab(tab.getAttribute("aria-controls")));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    showTab(next.getAttribute("aria-controls"));
  });
}

const numeric = (text) => Number(text.replace(/,/g, "").replace(/ %$/, ""));

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") === "descending" || (head.getAttribute("aria-sort") === "none" && !head.classList.contains("n"));
    for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => row.cells[column].textContent.trim();
    const compare = head.classList.contains("n") ? (a, b) => (numeric(value(a)) || 0) - (numeric(value(b)) || 0)
      : (a, b) => value(a).localeCompare(value(b), "en", { numeric: true });
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * compare(a, b)));
  }));
}

// Pages work without this script: it sorts tables by a click on a heading, copies commands, and opens drawers in print.
"use strict";

// By which column each table was sorted, so that one that is renewed is sorted so again.
const sorted = {};

function attach() {
  for (const table of document.querySelectorAll("table.entries")) {
    for (const heading of table.querySelectorAll("th[data-sort]")) {
      if (heading.querySelector(".sort")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading, heading.getAttribute("aria-sort") !== "ascending"));
    }
    const [place, rises] = sorted[table.id] ?? [];
    if (place !== undefined) sort(table, table.tHead.rows[0].cells[place], rises);
  }
  attachCopying();
}

// The value of a row in a column: a number, a text, or null where it is unknown.
function valueOf(body, place, kind) {
  const cell = body.rows[0].cells[place];
  if (kind === "text") return cell.textContent.trim();
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

function sort(table, heading, rises) {
  const place = heading.cellIndex, kind = heading.dataset.sort;
  sorted[table.id] = [place, rises];
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rises ? "ascending" : "descending");
  const bodies = Array.from(table.tBodies);
  bodies.sort((one, two) => {
    const a = valueOf(one, place, kind), b = valueOf(two, place, kind);
    if (a === null || b === null) return (a === null) - (b === null);
    const order = kind === "text" ? a.localeCompare(b, undefined, {numeric: true}) : a - b;
    return rises ? order : -order;
  });
  table.append(...bodies);
}

function attachCopying() {
  for (const button of document.querySelectorAll("button.copy")) {
    if (!navigator.clipboard || !button.hidden) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.firstChild.data = "Copied";
      setTimeout(() => { button.firstChild.data = "Copy"; }, 1500);
    });
  }
}

// A link to something inside a closed drawer opens it.
function openTarget() {
  const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  for (let drawer = target?.closest("details"); drawer; drawer = drawer.parentElement?.closest("details")) drawer.open = true;
}
addEventListener("hashchange", openTarget);
addEventListener("renewed", attach);
attach();
openTarget();

let opened = [];
addEventListener("beforeprint", () => {
  opened = Array.from(document.querySelectorAll("details:not([open])"));
  for (const drawer of opened) drawer.open = true;
});
addEventListener("afterprint", () => {
  for (const drawer of opened) drawer.open = false;
});

// The little that HTML cannot do: where focus goes after a swap, and copying a value.
// Everything works without this file; it only saves keystrokes.
(() => {
  "use strict";

  const announce = (text) => {
    const announcer = document.getElementById("announcer");
    if (announcer) announcer.textContent = text;
  };

  // Rows that are drawn as cards go on being rows: what is no table to the eye is none to some readers of screens.
  const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };
  const keepTables = (part) => {
    for (const table of part.querySelectorAll("table.table-cards"))
      for (const each of [table, ...table.querySelectorAll("thead, tbody, tfoot, tr, td, th")])
        each.setAttribute("role", ROLES[each.tagName] ?? (each.scope === "row" ? "rowheader" : "columnheader"));
  };
  document.addEventListener("DOMContentLoaded", () => keepTables(document));
  document.addEventListener("htmx:afterSettle", (event) => keepTables(event.detail.elt.parentElement ?? document));

  // Filters fill a phone's first screen: there they are folded, and what is set in them is said in a line.
  const narrow = window.matchMedia("(max-width: 40rem)");
  const fold = () => document.querySelectorAll(".filter-fold").forEach((each) => { each.open = !narrow.matches; });
  document.addEventListener("DOMContentLoaded", fold);
  narrow.addEventListener("change", fold);

  // A swapped part that names a place to land ([data-focus]) gets the focus; otherwise htmx keeps it.
  document.addEventListener("htmx:afterSettle", (event) => {
    const part = event.detail.elt;
    const landing = part.matches("[data-focus]") ? part : part.querySelector("[data-focus]");
    if (!landing) return;
    if (!landing.hasAttribute("tabindex")) landing.setAttribute("tabindex", "-1");
    landing.focus({ preventScroll: false });
  });

  // A whole page that came back because a form was refused begins with what was wrong.
  document.addEventListener("DOMContentLoaded", () =>
    document.querySelector("[role=alert][data-focus]")?.focus());

  document.addEventListener("htmx:sendError", () => announce("The portal did not answer. Nothing was changed."));
  document.addEventListener("htmx:responseError", (event) =>
    announce(`The portal refused this (${event.detail.xhr.status}). Nothing was changed.`));

  // Where a navigation is wider than the screen, the page one is on is brought into view, and nothing else moves.
  document.addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll("nav [aria-current]").forEach((link) => {
      link.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });
    }));

  // Where days are wider than their frame, the first that was down is brought into it.
  document.addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll(".chart-days").forEach((frame) => {
      const mark = frame.querySelector(".chart-down");
      if (!mark) return;
      const [at, around] = [mark.getBoundingClientRect(), frame.getBoundingClientRect()];
      frame.scrollLeft += at.left + at.width / 2 - around.left - around.width / 2;
    }));

  // <button data-copy="value" hidden>: shown only where copying can work.
  const reveal = (root) => {
    if (!navigator.clipboard) return;
    root.querySelectorAll("button[data-copy][hidden]").forEach((button) => { button.hidden = false; });
  };
  document.addEventListener("DOMContentLoaded", () => reveal(document));
  document.addEventListener("htmx:load", (event) => reveal(event.detail.elt));
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    announce(`Copied ${button.dataset.copyName || "the value"}.`);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  });
})();

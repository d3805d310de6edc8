"use strict";
// The page is whole without this: it only adds filters, folding, and unfolding before printing.
(() => {
  const tools = document.getElementById("tools");
  if (!tools) return;
  const rows = [...document.querySelectorAll("tr[data-kind]")];
  const groups = [...document.querySelectorAll("#changes details")];
  const shown = document.getElementById("shown");
  const text = document.getElementById("find");
  const picks = ["kind", "risk", "state"].map((name) => [name, document.getElementById("by-" + name)]);
  const said = new Map(); // what a row says, in lower case; read when first looked for

  const says = (row) => {
    if (!said.has(row)) {
      const title = row.closest("details").querySelector("h3").textContent;
      said.set(row, (title + " " + row.textContent).toLowerCase());
    }
    return said.get(row);
  };

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = picks.filter(([, pick]) => pick.value);
    let count = 0;
    for (const row of rows) {
      const fits =
        wanted.every(([name, pick]) => row.dataset[name] === pick.value) &&
        words.every((word) => says(row).includes(word));
      row.classList.toggle("off", !fits);
      count += fits;
    }
    for (const group of groups) {
      group.classList.toggle("off", !group.querySelector("tr[data-kind]:not(.off)"));
    }
    shown.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  };

  let soon = 0;
  text.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(filter, 120);
  });
  for (const [, pick] of picks) pick.addEventListener("change", filter);
  tools.addEventListener("reset", () => setTimeout(filter));
  tools.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("fold").addEventListener("click", () => groups.forEach((g) => (g.open = false)));
  document.getElementById("unfold").addEventListener("click", () => groups.forEach((g) => (g.open = true)));

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((g) => (g.open = true));
  });
  addEventListener("afterprint", () => folded.forEach((g) => (g.open = false)));

  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", open);
  tools.hidden = false;
  tools.reset(); // a reload keeps what was typed, but not what was hidden
  filter();
  open();
})();

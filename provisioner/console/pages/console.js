"use strict";
// The console is whole without this: it only looks again at what is at work, and ticks all boxes of a page.
(() => {
  for (const button of document.querySelectorAll("button[data-tick]")) {
    const boxes = () => [...button.form.elements].filter((e) => e.type === "checkbox" && e.name === button.dataset.tick);
    button.hidden = false;
    button.addEventListener("click", () => {
      const all = boxes().every((box) => box.checked);
      for (const box of boxes()) box.checked = !all;
    });
  }

  const told = document.getElementById("told");
  if (told && location.hash === "#told") told.focus();

  const look = async () => {
    const old = document.querySelector("#live[data-live]");
    if (!old) return;
    let seconds = Number(old.dataset.live);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!fresh) return;
      if (fresh.innerHTML !== old.innerHTML) old.innerHTML = fresh.innerHTML;
      if (fresh.dataset.live) old.dataset.live = fresh.dataset.live;
      else delete old.dataset.live;
    } catch {
      seconds *= 3; // the daemon may be restarting
    }
    setTimeout(look, seconds * 1000);
  };
  const first = document.querySelector("#live[data-live]");
  if (first) setTimeout(look, Number(first.dataset.live) * 1000);
})();

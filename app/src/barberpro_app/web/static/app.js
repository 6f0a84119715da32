// Progressive enhancement. Every page works without this file.
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  // A choice that only filters the page needs no button.
  for (const form of document.querySelectorAll("form[data-auto]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }

  // A form that is being sent is not sent twice.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // After an error the reader starts at the summary; the chosen day is in sight.
  document.querySelector("[data-focus]")?.focus();
  const day = document.querySelector(".day[aria-current]");
  if (day) day.parentElement.parentElement.scrollLeft = day.offsetLeft - 16;

  // A menu that is open closes by Escape, and when something else is touched.
  const menu = document.querySelector("[data-menu]");
  if (menu) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // The time left of a hold: seen every second, read aloud at two minutes, one minute and the end.
  const hold = document.querySelector("[data-seconds]");
  if (!hold) return;
  const end = performance.now() + Number(hold.dataset.seconds) * 1000;
  const shown = hold.querySelector("[data-left]");
  const spoken = hold.querySelector("[data-spoken]");
  const marks = [[120, hold.dataset.two], [60, hold.dataset.one], [0, hold.dataset.over]];
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    hold.classList.toggle("soon", left <= 120);
    while (marks.length && left <= marks[0][0]) spoken.textContent = marks.shift()[1];
    if (left) setTimeout(tick, 1000);
    else shown.textContent = hold.dataset.over;
  };
  tick();
})();

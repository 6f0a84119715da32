// A part of a page that is looked at: fetched again every few seconds, and only what changed is said.
// It ends when the server says 0 seconds.
(() => {
  "use strict";
  const place = document.querySelector("[data-refresh]");
  if (!place || !Number(place.dataset.refresh)) return;
  const again = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      const text = answer.ok ? await answer.text() : "";
      const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-refresh]");
      if (found && found.innerHTML !== place.innerHTML) place.innerHTML = found.innerHTML;
      if (found && !Number(found.dataset.refresh)) clearInterval(turns);
    } catch {
      // the network is away: the next turn will find it
    }
  };
  const turns = setInterval(() => document.hidden || again(), Number(place.dataset.refresh) * 1000);
})();

// A queue that is looked at: its page is fetched again every few seconds, and only what changed is said.
(() => {
  "use strict";
  const place = document.querySelector("[data-refresh]");
  if (!place) return;
  const again = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const text = answer.ok ? await answer.text() : "";
      const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-refresh]");
      if (found && found.innerHTML !== place.innerHTML) place.innerHTML = found.innerHTML;
    } catch {
      // the network is away: the next turn will find it
    }
  };
  setInterval(() => document.hidden || again(), Number(place.dataset.refresh) * 1000);
})();

// Fetches a part of the page anew when the server says that something in it changed. Without this
// file, or without a connection, the page shows what it showed when it was loaded.
(() => {
  "use strict";
  const part = document.querySelector("[data-live]");
  if (!part || !window.EventSource) return;
  const SOON = 120, SILENT = 45000, AWAY = 60000, LATER = 15000, LONGEST = 30000;
  const { live: what, first, last, provider, address, saidText } = part.dataset;
  let since = part.dataset.since, heard = 0, pause = 1000;
  let source, timer, hidden, busy = false, stale = false;

  const held = () => part.querySelector("details[open], [data-busy]") || document.querySelector("dialog[open]");

  const remember = () => {
    const kept = [...part.querySelectorAll("[data-grid], .days, .table, .board")].map((e) => [e.scrollLeft, e.scrollTop]);
    const at = document.activeElement;
    const on = part.contains(at) ? [at.tagName, at.id, at.getAttribute("href"), at.name, at.value].join("|") : "";
    return () => {
      part.querySelectorAll("[data-grid], .days, .table, .board").forEach((e, n) => {
        if (kept[n]) [e.scrollLeft, e.scrollTop] = kept[n];
      });
      if (!on) return;
      const same = [...part.querySelectorAll("a, button, input, summary, [tabindex]")].find(
        (e) => [e.tagName, e.id, e.getAttribute("href"), e.name, e.value].join("|") === on);
      (same || part).focus({ preventScroll: true });
    };
  };

  const fetchPart = async () => {
    if (busy || held()) { stale = true; return; }
    busy = true;
    stale = false;
    try {
      const answer = await fetch(address, { headers: { "X-Fragment": "live" }, cache: "no-store" });
      if (answer.redirected || answer.status === 401) return location.reload();
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return close();
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      if (held()) { stale = true; return; }
      const restore = remember();
      part.innerHTML = text;
      restore();
      pause = 1000;
      if (saidText) document.querySelector("[data-said]").textContent = saidText;
      part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
    } catch {
      setTimeout(fetchPart, pause);
      pause = Math.min(pause * 2, LONGEST);
    } finally {
      busy = false;
      if (stale && !held()) soon();
    }
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(fetchPart, SOON); };

  const open = () => {
    source?.close();
    const query = new URLSearchParams({ what, first, last, since });
    if (provider) query.set("provider", provider);
    source = new EventSource(`/events?${query}`);
    heard = performance.now();
    const changed = (event) => { heard = performance.now(); since = event.lastEventId; soon(); };
    const alive = () => { heard = performance.now(); };
    source.addEventListener("change", changed);
    source.addEventListener("again", changed);
    source.addEventListener("hello", alive);
    source.addEventListener("beat", alive);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { open(); soon(); }, LATER);
    };
  };
  const close = () => { source?.close(); source = undefined; };

  part.addEventListener("toggle", () => { if (stale && !held()) soon(); }, true);
  part.addEventListener("released", () => soon());
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, AWAY);
    else if (!source) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) { open(); soon(); } });
  setInterval(() => { if (source && performance.now() - heard > SILENT) open(); }, SILENT / 4);
  open();
})();

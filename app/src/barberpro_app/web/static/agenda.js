// The agenda by pointer: drag a booking to another time or person, press an empty time to book it.
// Each has a way without this file: the booking's "move" form, and the links of the free times.
(() => {
  "use strict";
  const part = document.querySelector("[data-live]");
  const dialog = document.querySelector("[data-move-dialog]");
  const ROW = 5, SNAP = 15, FAR = 6, LONG = 350, MINUTE = 60000;
  const grid = () => part?.querySelector("[data-grid]");
  if (!part) return;

  const fill = (element, values) => {
    element.textContent = element.dataset.text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  };
  const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  const rowOf = (element) => Number(element.className.match(/\br(\d+)\b/)[1]);
  const put = (element, row) => { element.className = element.className.replace(/\br\d+\b/, `r${row}`); };
  const minutesAt = (row) => Number(grid().dataset.firstHour) * 60 + row * ROW;
  // The height of a row follows the reader's size of letters; the column knows it.
  const rowHeight = () => parseFloat(getComputedStyle(part.querySelector(".col")).gridAutoRows);

  // the present moment
  let since = Date.now(), start;
  const showNow = () => {
    const line = part.querySelector("[data-now]");
    if (!line) return;
    start ??= rowOf(line);
    put(line, start + Math.floor((Date.now() - since) / (ROW * MINUTE)));
  };
  setInterval(showNow, MINUTE);
  part.addEventListener("renewed", () => { since = Date.now(); start = undefined; });
  const board = grid(), line = part.querySelector("[data-now]");
  if (board && line) board.scrollTop = line.offsetTop - board.clientHeight / 3;

  // an empty time
  const pressed = (event, link) => {
    const cell = link.closest("li"), box = cell.getBoundingClientRect();
    const row = rowOf(cell) + Math.floor((event.clientY - box.top) / rowHeight());
    const minutes = minutesAt(row);
    return Math.max(minutes - (minutes % SNAP), minutesAt(rowOf(cell)));
  };
  part.addEventListener("click", (event) => {
    const link = event.target.closest("[data-free]");
    if (!link || !event.clientY || event.detail === 0) return;
    const url = new URL(link.href);
    url.searchParams.set("hora", clock(pressed(event, link)));
    link.href = url;
  }, true);
  part.addEventListener("pointermove", (event) => {
    const link = event.pointerType === "mouse" && event.target.closest?.("[data-free]");
    part.querySelectorAll(".hover-slot").forEach((e) => e.remove());
    if (!link || drag) return;
    const minutes = pressed(event, link), mark = document.createElement("span");
    mark.className = `hover-slot r${(minutes - minutesAt(0)) / ROW} h${SNAP / ROW}`;
    mark.textContent = clock(minutes);
    link.closest(".col").append(mark);
  });

  // dragging
  let drag = null, dropped = false;
  if (!dialog) return;
  const columnAt = (x) => [...part.querySelectorAll(".col")].find((column) => {
    const box = column.getBoundingClientRect();
    return x >= box.left && x < box.right;
  });
  const begin = () => {
    drag.on = true;
    drag.item.classList.add("dragging");
    grid().dataset.busy = "1";
    drag.ghost = drag.item.cloneNode(true);
    drag.ghost.classList.add("ghost");
    drag.ghost.removeAttribute("data-event");
    drag.ghost.classList.remove("dragging");
    drag.ghost.querySelector("details")?.remove();
    drag.item.parentElement.append(drag.ghost);
    drag.item.setPointerCapture?.(drag.id);
  };
  const follow = (event) => {
    const column = columnAt(event.clientX) ?? drag.column;
    const moved = (event.clientY - drag.y + grid().scrollTop - drag.top) / rowHeight();
    const rows = Math.round((minutesAt(drag.row) + moved * ROW) / SNAP) * SNAP;
    const height = Number(drag.item.className.match(/\bh(\d+)\b/)[1]);
    const total = part.querySelectorAll(".axis li").length * 60 / ROW;
    const row = Math.max(0, Math.min((rows - minutesAt(0)) / ROW, total - height));
    put(drag.ghost, row);
    if (drag.column !== column) { drag.column = column; column.querySelector("ol").append(drag.ghost); }
    drag.ghost.querySelector(".hours").textContent = clock(minutesAt(row));
    drag.target = row;
    const box = grid().getBoundingClientRect(), edge = 32;
    grid().scrollBy((event.clientX > box.right - edge) * 8 - (event.clientX < box.left + edge + 40) * 8,
      (event.clientY > box.bottom - edge) * 8 - (event.clientY < box.top + edge + 40) * 8);
  };
  const clear = () => {
    if (!drag) return;
    clearTimeout(drag.timer);
    drag.ghost?.remove();
    drag.item.classList.remove("dragging");
    if (grid()) delete grid().dataset.busy;
    drag = null;
    part.dispatchEvent(new Event("released"));
  };
  part.addEventListener("pointerdown", (event) => {
    const item = event.target.closest?.("[data-movable]");
    dropped = false;
    if (!item || event.button || event.target.closest("details") || drag) return;
    const column = item.closest(".col");
    drag = { item, column, from: column, id: event.pointerId, x: event.clientX, y: event.clientY,
      row: rowOf(item), top: grid().scrollTop, touch: event.pointerType !== "mouse" };
    if (drag.touch) drag.timer = setTimeout(begin, LONG);
  });
  addEventListener("pointermove", (event) => {
    if (!drag || drag.asking || event.pointerId !== drag.id) return;
    const far = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > FAR;
    if (!drag.on && far) { if (drag.touch) return clear(); begin(); }
    if (drag.on) follow(event);
  });
  document.addEventListener("touchmove", (event) => { if (drag?.on) event.preventDefault(); }, { passive: false });
  addEventListener("pointercancel", () => { if (!drag?.asking) clear(); });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !drag?.asking) clear(); });
  addEventListener("pointerup", (event) => {
    if (!drag || drag.asking || event.pointerId !== drag.id) return;
    dropped = drag.on;
    if (drag.on && drag.target !== undefined && (drag.target !== drag.row || drag.column !== drag.from)) ask();
    else clear();
  });
  part.addEventListener("click", (event) => { if (dropped) event.preventDefault(); dropped = false; }, true);
  part.addEventListener("dragstart", (event) => event.preventDefault());
  part.addEventListener("contextmenu", (event) => { if (drag?.on) event.preventDefault(); });

  // asking, sending, taking back
  const form = dialog.querySelector("[data-move-form]"), yes = dialog.querySelector("[data-move-yes]");
  const problem = dialog.querySelector("[data-move-problem]"), said = document.querySelector("[data-said]");
  const undo = document.querySelector("[data-undo]"), first = yes.textContent;
  let asked = null;
  const ask = () => {
    drag.asking = true;
    const { item, column, from, row, target } = drag;
    asked = {
      id: item.dataset.event, client: item.dataset.name, version: item.dataset.version,
      to: { day: column.dataset.day, hour: clock(minutesAt(target)), provider: column.dataset.provider },
      back: { day: from.dataset.day, hour: clock(minutesAt(row)), provider: from.dataset.provider },
    };
    fill(dialog.querySelector("[data-move-what]"), { client: asked.client, hour: asked.to.hour, provider: column.dataset.name });
    problem.hidden = true;
    form.elements.forzar.value = "";
    yes.textContent = first;
    yes.hidden = false;
    dialog.showModal();
  };
  const send = (id, version, place, force) => {
    form.elements.version.value = version;
    form.elements.dia.value = place.day;
    form.elements.hora.value = place.hour;
    form.elements.profesional.value = place.provider;
    form.elements.forzar.value = force;
    return fetch(`/agenda/reserva/${id}/mover`, {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Fragment": "move" }, redirect: "manual",
    });
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    yes.disabled = true;
    try {
      const answer = await send(asked.id, asked.version, asked.to, form.elements.forzar.value);
      if (answer.status === 204) {
        dialog.close();
        fill(undo.querySelector("p"), { client: asked.client, hour: asked.to.hour });
        said.textContent = undo.querySelector("p").textContent;
        undo.hidden = false;
        return;
      }
      if (answer.type === "opaqueredirect") return location.reload();
      const told = await answer.json();
      problem.textContent = told.text;
      problem.hidden = false;
      yes.hidden = !told.force;
      yes.textContent = yes.dataset.again;
      form.elements.forzar.value = told.force ? "1" : "";
    } catch {
      problem.textContent = dialog.dataset.offline;
      problem.hidden = false;
    } finally {
      yes.disabled = false;
      delete form.dataset.sent;
    }
  });
  dialog.querySelector("[data-move-no]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", clear);
  undo.querySelector("button").addEventListener("click", async () => {
    const item = part.querySelector(`[data-event="${asked.id}"]`);
    undo.hidden = true;
    if (item?.dataset.version) await send(asked.id, item.dataset.version, asked.back, "1");
    part.dispatchEvent(new Event("released"));
  });
})();

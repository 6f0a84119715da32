// The colours as they are chosen: the server says how they look and whether they can be read.
(() => {
  "use strict";
  const form = document.querySelector("[data-brand]");
  if (!form) return;
  const sheet = document.getElementById("preview-colours");
  const said = document.getElementById("verdict");
  const use = document.getElementById("use-colour");
  let waiting;
  const look = async () => {
    const primary = form.elements.principal.value;
    const query = new URLSearchParams({ principal: primary, acento: form.elements.acento.value });
    sheet.href = `/ajustes/marca/vista.css?${query}`;
    const answer = await fetch(`/ajustes/marca/contraste?${query}`, { headers: { accept: "application/json" } });
    if (!answer.ok || form.elements.principal.value !== primary) return;
    const verdict = await answer.json();
    said.textContent = verdict.text;
    said.classList.toggle("error", !verdict.good);
    use.hidden = verdict.good;
    use.textContent = verdict.use;
    use.value = verdict.nearest;
  };
  form.addEventListener("input", (event) => {
    if (event.target.type !== "color") return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 120);
  });
  use.addEventListener("click", (event) => {
    event.preventDefault();
    form.elements.principal.value = use.value;
    look();
  });
  const name = form.elements.nombre;
  name.addEventListener("input", () => {
    for (const shown of document.querySelectorAll("[data-brand-name]")) shown.textContent = name.value;
  });
})();

// Shows the photographs that were chosen before they are sent. Without this file they are sent all the same.
(() => {
  "use strict";
  for (const input of document.querySelectorAll("[data-shot]")) {
    input.addEventListener("change", () => {
      const box = input.closest(".shot"), picture = box.querySelector("[data-preview]");
      const [file] = input.files;
      if (picture.src) URL.revokeObjectURL(picture.src);
      picture.hidden = !file;
      if (!file) return;
      for (const other of box.querySelectorAll("[data-shot]")) if (other !== input) other.value = "";
      picture.src = URL.createObjectURL(file);
    });
  }
})();

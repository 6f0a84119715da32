// Reads a booking's QR code with the camera, where the browser can; typing the code always works.
(() => {
  "use strict";
  const box = document.querySelector("[data-scanner]");
  const form = document.querySelector("form[data-code]");
  if (!box || !form || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  box.hidden = false;
  const video = box.querySelector("video");
  const start = box.querySelector("[data-start]");
  const said = box.querySelector("[data-said]");
  let stream = null;

  const stop = () => {
    for (const track of stream ? stream.getTracks() : []) track.stop();
    stream = null;
    video.hidden = true;
    start.hidden = false;
  };

  const look = async (detector) => {
    if (!stream) return;
    try {
      const [found] = await detector.detect(video);
      if (found) {
        stop();
        form.elements.codigo.value = found.rawValue.split("/").pop().slice(0, 120);
        form.requestSubmit();
        return;
      }
    } catch {
      // a frame that is not there yet; the next one is
    }
    setTimeout(() => look(detector), 150);
  };

  start.addEventListener("click", async () => {
    try {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.hidden = false;
      start.hidden = true;
      await video.play();
      look(detector);
    } catch {
      stop();
      said.textContent = box.dataset.denied;
    }
  });
  addEventListener("pagehide", stop);
})();

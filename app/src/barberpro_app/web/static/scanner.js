// Reads a booking's QR code with the camera: by the browser's own detector where it has one, by jsQR
// where it has none. Typing the code always works.
(() => {
  "use strict";
  const box = document.querySelector("[data-scanner]");
  const form = document.querySelector("form[data-code]");
  if (!box || !form || !navigator.mediaDevices?.getUserMedia) return;
  box.hidden = false;
  const video = box.querySelector("video");
  const start = box.querySelector("[data-start]");
  const said = box.querySelector("[data-said]");
  const PAUSE = 150, WIDEST = 800;
  let stream = null;

  const stop = () => {
    for (const track of stream ? stream.getTracks() : []) track.stop();
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    start.hidden = false;
  };

  const load = (address) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });

  // a function from the video's present picture to the text of the code in it, if there is one
  const reader = async () => {
    const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
    if (formats.includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async () => (await detector.detect(video))[0]?.rawValue;
    }
    if (!window.jsQR) await load(box.dataset.decoder);
    const canvas = document.createElement("canvas");
    const picture = canvas.getContext("2d", { willReadFrequently: true });
    return async () => {
      const scale = Math.min(1, WIDEST / video.videoWidth);
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      if (!canvas.width || !canvas.height) return undefined;
      picture.drawImage(video, 0, 0, canvas.width, canvas.height);
      const { data, width, height } = picture.getImageData(0, 0, canvas.width, canvas.height);
      return jsQR(data, width, height, { inversionAttempts: "dontInvert" })?.data;
    };
  };

  const look = async (read) => {
    if (!stream) return;
    try {
      const found = await read();
      if (found && stream) {
        stop();
        form.elements.codigo.value = found.split("/").pop().slice(0, 120);
        form.requestSubmit();
        return;
      }
    } catch {
      // a frame that is not there yet; the next one is
    }
    setTimeout(() => look(read), PAUSE);
  };

  start.addEventListener("click", async () => {
    start.hidden = true;
    said.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const read = await reader();
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      look(read);
    } catch {
      stop();
      said.textContent = box.dataset.denied;
    }
  });
  addEventListener("pagehide", stop);
})();

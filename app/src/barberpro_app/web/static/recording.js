// Recording and playing sessions. Everything is encrypted and decrypted here: what leaves this page is
// ciphertext, and the private key leaves it only under a passphrase (docs/explanation/clinical-records.md).
(() => {
  "use strict";
  const API = "/api/v1";
  const CHUNK = 512 * 1024;
  const ITERATIONS = 600000;
  const RSA = { name: "RSA-OAEP", modulusLength: 3072, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const text = new TextEncoder();
  const words = document.querySelector("[data-words]")?.dataset ?? {};

  const toBase64 = (buffer) => {
    let out = "";
    for (const byte of new Uint8Array(buffer)) out += String.fromCharCode(byte);
    return btoa(out);
  };
  const fromBase64 = (value) => Uint8Array.from(atob(value.replace(/\s/g, "")), (sign) => sign.charCodeAt(0));
  const joined = (...parts) => {
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of parts) { out.set(new Uint8Array(part), at); at += part.byteLength; }
    return out;
  };

  const call = async (method, path, body, raw) => {
    const headers = raw ? { "Content-Type": "application/octet-stream" } : { "Content-Type": "application/json" };
    const payload = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    const answer = await fetch(API + path, { method, headers: body === undefined ? {} : headers, body: payload });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).code ?? `http ${answer.status}`);
    return answer;
  };
  const json = async (...args) => (await call(...args)).json();

  // PBKDF2-SHA-256 makes the key that the private key is kept under.
  const underPassphrase = async (passphrase, salt, iterations, use) => {
    const base = await crypto.subtle.importKey("raw", text.encode(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
    return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, base, { name: "AES-GCM", length: 256 }, false, [use]);
  };

  const makeKey = async (passphrase) => {
    const pair = await crypto.subtle.generateKey(RSA, true, ["encrypt", "decrypt"]);
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const key = await underPassphrase(passphrase, salt, ITERATIONS, "encrypt");
    const secret = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, secret);
    await call("POST", "/recording-key", {
      public_key: toBase64(await crypto.subtle.exportKey("spki", pair.publicKey)),
      private_key_sealed: toBase64(joined(iv, sealed)),
      salt: toBase64(salt),
      iterations: ITERATIONS,
    });
  };

  const openPrivateKey = async (stored, passphrase) => {
    const key = await underPassphrase(passphrase, fromBase64(stored.salt), stored.iterations, "decrypt");
    const sealed = fromBase64(stored.private_key_sealed);
    const secret = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.slice(0, 12) }, key, sealed.slice(12));
    return crypto.subtle.importKey("pkcs8", secret, { name: "RSA-OAEP", hash: "SHA-256" }, false, ["decrypt"]);
  };

  // The key of a recording is used for it alone, so a counter is a nonce. What is authenticated binds a
  // chunk to its recording and its place, and the last one says that it is: none can be cut off unseen.
  const nonce = (number) => {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(8, number);
    return iv;
  };
  const place = (id, number, last) => text.encode(`barberpro-recording-1:${id}:${number}:${last ? 1 : 0}`);

  class Upload {
    constructor(id, key) { Object.assign(this, { id, key, number: 0, pending: new Uint8Array(0), queue: Promise.resolve() }); }
    add(bytes) { this.queue = this.queue.then(() => this.#take(bytes)); return this.queue; }
    async #take(bytes) {
      this.pending = joined(this.pending, bytes);
      // the last chunk is never empty, so a full one waits until more comes
      while (this.pending.byteLength > CHUNK) {
        await this.#send(this.pending.slice(0, CHUNK), false);
        this.pending = this.pending.slice(CHUNK);
      }
    }
    async finish() { await this.queue; await this.#send(this.pending, true); await call("POST", `/session-recordings/${this.id}/completion`, {}); }
    async #send(bytes, last) {
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce(this.number), additionalData: place(this.id, this.number, last) }, this.key, bytes);
      for (let attempt = 1; ; attempt += 1) {
        try { await call("PUT", `/session-recordings/${this.id}/chunks/${this.number}`, sealed, true); break; }
        catch (error) { if (attempt === 5 || !/^http|fetch|network/i.test(String(error.message))) throw error; await new Promise((go) => setTimeout(go, attempt * 1000)); }
      }
      this.number += 1;
    }
  }

  const begin = async (booking, kind, days) => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: kind === "video" });
    try {
      const type = ["webm", "mp4"].map((form) => `${kind}/${form}`).find((one) => MediaRecorder.isTypeSupported(one));
      const stored = await json("GET", "/recording-key");
      const owner = await crypto.subtle.importKey("spki", fromBase64(stored.public_key), { name: "RSA-OAEP", hash: "SHA-256" }, false, ["encrypt"]);
      const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
      const wrapped = await crypto.subtle.encrypt({ name: "RSA-OAEP" }, owner, await crypto.subtle.exportKey("raw", key));
      const made = await json("POST", "/session-recordings", { booking_id: booking, key_id: stored.id, media_type: type, wrapped_key: toBase64(wrapped), keep_days: days });
      const upload = new Upload(made.id, key);
      const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 32000, videoBitsPerSecond: 400000 });
      return { stream, upload, recorder };
    } catch (error) { for (const track of stream.getTracks()) track.stop(); throw error; }
  };

  const keyForm = document.querySelector("[data-new-key]");
  keyForm?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = keyForm.querySelector("[data-said]");
    const [first, second] = keyForm.querySelectorAll("input");
    if (first.value.length < 12) { said.textContent = words.short; first.focus(); return; }
    if (first.value !== second.value) { said.textContent = words.differ; second.focus(); return; }
    said.textContent = words.working;
    try { await makeKey(first.value); location.reload(); } catch { said.textContent = words.failed; }
  });

  const panel = document.querySelector("[data-record]");
  if (panel) {
    const [start, stop, clock, said] = ["start", "stop", "clock", "said"].map((name) => panel.querySelector(`[data-${name}]`));
    const show = (recording) => { start.hidden = recording; stop.hidden = !recording; clock.hidden = !recording; };
    start.addEventListener("click", async () => {
      said.textContent = words.working;
      let session;
      try { session = await begin(panel.dataset.booking, panel.querySelector("#que").value, Number(panel.querySelector("#dias").value)); }
      catch (error) { said.textContent = error instanceof DOMException ? words.noDevice : words.failed; return; }
      const { stream, upload, recorder } = session;
      const since = Date.now();
      const timer = setInterval(() => {
        const seconds = Math.floor((Date.now() - since) / 1000);
        clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      }, 1000);
      const leave = (event) => event.preventDefault();
      addEventListener("beforeunload", leave);
      const end = () => { for (const track of stream.getTracks()) track.stop(); clearInterval(timer); removeEventListener("beforeunload", leave); show(false); };
      // Blobs are read one after the other: their bytes keep the order in which they came.
      let reading = Promise.resolve();
      const fail = () => { if (recorder.state !== "inactive") recorder.stop(); end(); said.textContent = words.failed; };
      recorder.addEventListener("dataavailable", (event) => {
        reading = reading.then(async () => upload.add(new Uint8Array(await event.data.arrayBuffer())));
        reading.catch(fail);
      });
      recorder.addEventListener("stop", async () => {
        end();
        try { await reading; await upload.finish(); said.textContent = words.stopped; panel.querySelector("[data-after]").hidden = false; start.hidden = true; }
        catch { said.textContent = words.failed; }
      });
      stop.onclick = () => recorder.stop();
      recorder.start(2000);
      show(true);
      stop.focus();
      said.textContent = words.recording;
    });
  }

  const play = async (card, passphrase) => {
    const recording = await json("GET", `/session-recordings/${card.dataset.play}`);
    const stored = await json("GET", `/recording-keys/${recording.key_id}`);
    const own = await openPrivateKey(stored, passphrase);
    const raw = await crypto.subtle.decrypt({ name: "RSA-OAEP" }, own, fromBase64(recording.wrapped_key));
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    const parts = [];
    for (let number = 0; number < recording.chunks; number += 1) {
      const sealed = await (await call("GET", `/session-recordings/${recording.id}/chunks/${number}`)).arrayBuffer();
      // one that was interrupted has no last chunk: what there is of it is played
      const last = recording.state === "complete" && number === recording.chunks - 1;
      parts.push(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce(number), additionalData: place(recording.id, number, last) }, key, sealed));
    }
    const player = document.createElement(recording.media_type.startsWith("video") ? "video" : "audio");
    player.controls = true;
    player.src = URL.createObjectURL(new Blob(parts, { type: recording.media_type }));
    card.querySelector("[data-player]").replaceChildren(player);
    player.focus();
  };

  for (const card of document.querySelectorAll("[data-play]")) {
    card.querySelector("[data-open]").addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = card.querySelector("[data-said]");
      const field = event.target.querySelector("input");
      said.textContent = words.working;
      try { await play(card, field.value); said.textContent = words.ready; field.value = ""; }
      catch (error) { said.textContent = error instanceof DOMException ? words.wrong : words.failed; }
    });
  }
})();

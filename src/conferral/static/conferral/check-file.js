// Checks a file by its SHA-256. The browser reads it and works the digest out; the digest alone is sent.
// Whose file it is leads to that credential's page, which says the rest; on a credential's own page, what it is to that.

const LARGEST = 64 * 1024 * 1024; // bytes: no certificate comes near
const MOST_UNPACKED = 32 * 1024 * 1024;
const SYMBOLS = "[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){3}";

const sections = document.querySelectorAll("[data-check-file]");
for (const section of sections) set(section);

function set(section) {
  const field = section.querySelector("input[type=file]");
  const drop = section.querySelector("[data-drop]");
  const said = section.querySelector("[data-said]");
  const say = (name) => {
    said.textContent = name ? section.querySelector(`[data-words=${name}]`).textContent : "";
  };
  const wrongly = section.querySelector("[data-needs-script]");
  if (!globalThis.crypto?.subtle) {
    wrongly.textContent = section.querySelector("[data-words=insecure]").textContent;
    return;
  }
  wrongly.hidden = true;
  drop.hidden = false;
  const take = (file) => {
    section.closest("details")?.setAttribute("open", "");
    section.querySelector("[data-chosen]").textContent = file.name;
    check(section, file, say);
  };
  field.addEventListener("change", () => { if (field.files.length) take(field.files[0]); });
  // Wherever it is dropped: elsewhere the browser would leave the page and open the file.
  const place = sections.length === 1 ? document : drop;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    place.addEventListener(name, (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  place.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget || !place.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  place.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

async function check(section, file, say) {
  say("reading");
  let bytes;
  try {
    if (file.size > LARGEST) throw new RangeError("too large");
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    return say("unreadable");
  }
  const digest = hexadecimal(await crypto.subtle.digest("SHA-256", bytes));
  let answer;
  try {
    answer = await fetch(section.dataset.ask.replace(/-$/, digest), { headers: { Accept: "application/json" } });
  } catch {
    return say("busy");
  }
  if (!answer.ok) return say("busy");
  const known = (await answer.json()).verification_id;
  const number = section.dataset.number || (known ?? (await numberIn(bytes)));
  if (!number) return say("unknown");
  location.assign(`${section.dataset.page.replace(/-$/, number)}?sha256=${digest}`);
}

function hexadecimal(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The number in the address that a PDF links to, also in one that another program has packed anew.
async function numberIn(bytes) {
  const address = new RegExp(`/c/(${SYMBOLS})(?![0-9A-Za-z])`);
  const text = latin(bytes);
  const plain = text.match(address);
  if (plain) return plain[1];
  let left = MOST_UNPACKED;
  for (const stream of text.matchAll(/FlateDecode[^]{0,400}?stream\r?\n/g)) {
    const start = stream.index + stream[0].length;
    const end = text.indexOf("endstream", start);
    if (end < 0 || left <= 0) break;
    const unpacked = await inflated(bytes.subarray(start, end), left);
    left -= unpacked.length;
    const found = latin(unpacked).match(address);
    if (found) return found[1];
  }
  return null;
}

async function inflated(bytes, most) {
  const parts = [];
  let size = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (let part = await reader.read(); !part.done && size < most; part = await reader.read()) {
      parts.push(part.value);
      size += part.value.length;
    }
    if (size >= most) reader.cancel();
  } catch {
    // What is broken, or ends with a line break of the file, has told what it has.
  }
  const whole = new Uint8Array(size);
  let place = 0;
  for (const part of parts) { whole.set(part, place); place += part.length; }
  return whole;
}

function latin(bytes) {
  return new TextDecoder("latin1").decode(bytes);
}

// Parts of an admin form that answer while it is filled in. `conferral-live` says which there are: each is asked for
// with the whole form as it stands, a moment after something that it depends on has changed, or by its button.
const PAUSE = 400;
const told = document.getElementById("conferral-live");
const form = told && told.closest("form");
if (form) {
  const aside = document.createElement("aside");
  aside.className = "conferral-aside";
  form.append(aside); // at once: what was moved there is still found in the form
  const parts = JSON.parse(told.textContent).map(place).filter(Boolean);
  if (aside.childElementCount) form.classList.add("conferral-beside");
  else aside.remove();
  const changed = (event) => {
    const name = event.target.name || "";
    for (const part of parts) {
      if (name === "" || part.watches.some((start) => name.startsWith(start))) later(part);
    }
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("conferral:changed", changed);
  for (const part of parts) if (!part.button) ask(part);

  function place(part) {
    const row = form.querySelector(`.field-${part.after}`);
    if (!row) return null;
    const box = document.createElement("div");
    box.className = "conferral-live";
    part.output = document.createElement("div");
    part.output.setAttribute("role", "status");
    if (part.button) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.textContent = part.button;
      button.addEventListener("click", () => ask(part));
      box.append(button);
    }
    box.append(part.output);
    if (part.beside) {
      const group = row.closest("fieldset");
      group.append(box);
      aside.append(group);
    } else {
      row.append(box);
    }
    return part;
  }

  // The form as it stands, to be compared.
  function filled() {
    return JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value.name ?? value, value.size]));
  }

  // Options that are being drawn anew become part of the form.
  async function settled() {
    if (!form.querySelector("[data-options][aria-busy]")) return;
    while (form.querySelector("[data-options][aria-busy]")) {
      await new Promise((done) => form.addEventListener("conferral:changed", done, { once: true }));
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }

  function later(part) {
    clearTimeout(part.timer);
    if (part.button) {
      // What it said was of other values.
      if (part.asked !== filled()) part.output.replaceChildren();
      return;
    }
    part.timer = setTimeout(() => ask(part), PAUSE);
  }

  async function ask(part) {
    part.running?.abort();
    const running = (part.running = new AbortController());
    part.output.setAttribute("aria-busy", "true");
    if (part.button) part.output.textContent = part.waiting;
    await settled();
    if (running.signal.aborted) return;
    part.asked = filled();
    try {
      const answer = await fetch(part.url, { method: "POST", body: new FormData(form), signal: running.signal });
      if (!answer.ok) throw new Error(answer.statusText);
      part.output.innerHTML = await answer.text();
    } catch (error) {
      if (error.name === "AbortError") return;
      part.output.textContent = part.failed;
    }
    part.output.removeAttribute("aria-busy");
  }
}

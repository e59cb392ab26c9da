// Options as a form or as JSON. The server translates between the two: a switch asks it for the field as it stands, and
// so does what the shape of some options depends on (the rule, the type).
const told = document.getElementById("conferral-draw");
const form = told && told.closest("form");
if (form) {
  const { url, watches, failed } = JSON.parse(told.textContent);
  const asking = {};
  const all = () => [...form.querySelectorAll("[data-options]")];
  for (const root of all()) begin(root);
  form.addEventListener("change", (event) => {
    const shaped = watches[event.target.name] || [];
    for (const root of all()) if (shaped.includes(root.dataset.options)) draw(root, "form");
  });

  function begin(root, wanted) {
    const mode = root.querySelector("input[data-wanted]");
    const button = root.querySelector(".switch button");
    const drawn = root.querySelector(".drawn");
    if (!drawn) return;
    button.closest(".switch").hidden = false;
    button.addEventListener("click", () => draw(root, mode.value === "form" ? "raw" : "form"));
    drawn.addEventListener("click", () => setTimeout(() => tell(root), 50));
    show(root, wanted || mode.dataset.wanted);
    setTimeout(() => fold(drawn), 0);
    new MutationObserver(() => name(drawn)).observe(drawn, { childList: true, subtree: true });
    name(drawn);
  }

  // What stands in a list within a list is folded: a design has many elements with many fields each.
  function fold(drawn) {
    name(drawn);
    for (const group of drawn.querySelectorAll(".rjf-oneof-group .rjf-oneof-group")) {
      group.querySelector(".rjf-collapse-button")?.click();
    }
  }

  // Says what django-jsonform says in English alone in the reader's language.
  function translate(drawn) {
    const words = JSON.parse(drawn.dataset.buttons);
    for (const button of drawn.querySelectorAll("button")) {
      if (Object.hasOwn(words, button.title)) button.title = words[button.title];
      const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const said = texts.currentNode.nodeValue.trim();
        if (Object.hasOwn(words, said)) texts.currentNode.nodeValue = texts.currentNode.nodeValue.replace(said, words[said]);
      }
    }
  }

  // Gives each field its label, which stands beside it, and each folded group the name of what is in it.
  function name(drawn) {
    translate(drawn);
    for (const row of drawn.querySelectorAll(".rjf-form-row-inner")) {
      const label = row.querySelector("label");
      for (const input of row.querySelectorAll("input, select, textarea")) {
        if (label && !label.contains(input)) input.setAttribute("aria-label", label.textContent);
        else if (!label) input.setAttribute("aria-label", drawn.dataset.item);
      }
    }
    for (const select of drawn.querySelectorAll(".rjf-oneof-selector-input")) select.setAttribute("aria-label", drawn.dataset.kind);
    for (const input of drawn.querySelectorAll('input[name$="\u00a7name"]')) {
      const title = input.closest(".rjf-form-group-inner")?.querySelector(":scope > .rjf-form-group-title");
      if (title) title.dataset.name = input.value;
      if (!input.dataset.heard) {
        input.dataset.heard = "yes";
        input.addEventListener("input", () => name(drawn));
      }
    }
  }

  function show(root, wanted) {
    const mode = root.querySelector("input[data-wanted]");
    const button = root.querySelector(".switch button");
    mode.value = wanted;
    root.querySelector(".drawn").hidden = wanted !== "form";
    root.querySelector(".raw").hidden = wanted === "form";
    button.textContent = wanted === "form" ? button.dataset.raw : button.dataset.form;
  }

  // Whoever chooses with the arrow keys asks several times at once: the last answer is the one that counts.
  async function draw(root, wanted) {
    const name = root.dataset.options;
    asking[name]?.abort();
    const { signal } = (asking[name] = new AbortController());
    let now = root;
    root.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${url}${name}/`, { method: "POST", body: new FormData(form), signal });
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = document.importNode(page.querySelector("[data-options]"), true);
      root.replaceWith(fresh);
      begin(fresh, wanted);
      now = fresh;
    } catch {
      if (signal.aborted) return;
      root.removeAttribute("aria-busy");
      let problem = root.querySelector(":scope > .conferral-problem");
      if (!problem) root.append((problem = Object.assign(document.createElement("p"), { className: "conferral-problem" })));
      problem.textContent = failed;
    }
    tell(now);
  }

  function tell(root) {
    root.dispatchEvent(new CustomEvent("conferral:changed", { bubbles: true }));
  }
}

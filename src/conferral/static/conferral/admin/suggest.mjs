// Suggestions while typing: fills the list of an input with what the server finds by its text.
const PAUSE = 250;
for (const input of document.querySelectorAll("input[data-suggestions]")) {
  let timer, running;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      running?.abort();
      running = new AbortController();
      const url = new URL(input.dataset.suggestions, location.href);
      url.searchParams.set("q", input.value);
      try {
        const answer = await fetch(url, { signal: running.signal });
        if (!answer.ok) return;
        const { results } = await answer.json();
        input.list.replaceChildren(
          ...results.map(({ key, name }) => Object.assign(document.createElement("option"), { value: key, label: name, textContent: name })),
        );
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    }, PAUSE);
  });
}

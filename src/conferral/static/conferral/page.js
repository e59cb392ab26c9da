// What a credential's page can do with scripts: copy its link, and print. Without them the buttons stay hidden.

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // pages without https have none
  const words = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 2500);
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

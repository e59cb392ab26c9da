// What a credential's page can do with scripts: copy its link, share it with other apps, and print. Without them the
// buttons stay hidden.

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return offerLink(); // it was not allowed; and pages without https have no clipboard
    }
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 2500);
  });
}

// Shows the link and selects it, so that one key copies it.
function offerLink() {
  const place = document.querySelector("[data-by-hand]");
  place.hidden = false;
  place.querySelector("input").select();
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share) continue; // mostly phones have it
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.share({ title: button.dataset.title, url: button.dataset.share });
    } catch (error) {
      if (error.name !== "AbortError") offerLink(); // else somebody has thought better of it
    }
  });
}

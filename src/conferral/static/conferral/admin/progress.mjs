// Follows a run: asks every two seconds how far it is, and shows the page anew once it has ended.
const EVERY = 2000;
const box = document.querySelector("[data-progress]");
if (box) {
  const bar = box.querySelector("progress");
  const said = box.querySelector("[role=status]");
  const look = async () => {
    try {
      const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
      const told = await answer.json();
      if (!told.going_on) return location.reload();
      if (told.share) bar.value = told.share;
      said.textContent = told.said;
    } catch {
      // The network or the server is away: it is asked again.
    }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
}

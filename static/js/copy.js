// Copy buttons: they appear where the browser can copy, and say that they did.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.querySelector("[data-copy-label]");
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return; // not allowed: the address stands beside it, whole, to be selected by hand
    }
    if (button.classList.contains("done")) return;
    button.classList.add("done");
    label.textContent = button.dataset.copied;
    setTimeout(() => {
      button.classList.remove("done");
      label.textContent = before;
    }, 2000);
  });
}

// The switch of colours: at once and without a page load. Without this script its form does the same.
const YEAR = 31536000;

for (const form of document.querySelectorAll("[data-theme-switch]")) {
  form.addEventListener("submit", (event) => {
    const chosen = event.submitter?.value;
    if (!["light", "dark", "device"].includes(chosen)) return;
    event.preventDefault();
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie =
      chosen === "device"
        ? `theme=; Path=/; Max-Age=0; SameSite=Lax${secure}`
        : `theme=${chosen}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
    if (chosen === "device") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    for (const button of document.querySelectorAll("[data-theme-switch] button")) {
      button.setAttribute("aria-pressed", String(button.value === chosen));
    }
  });
}

// Times in the reader's own zone; the UTC text that the server wrote stays as the hint.
const language = document.documentElement.lang || undefined;
const short = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const thisYear = new Intl.DateTimeFormat(language, short);
const otherYears = new Intl.DateTimeFormat(language, { ...short, year: "numeric" });
const now = new Date();

function localise(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = (at.getFullYear() === now.getFullYear() ? thisYear : otherYears).format(at);
    delete time.dataset.moment;
  }
}

localise(document);
document.addEventListener("htmx:afterSwap", (event) => localise(event.detail.target.parentElement ?? document));

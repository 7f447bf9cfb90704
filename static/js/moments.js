// Times in the reader's own zone; the UTC text that the server wrote stays as the hint.
const language = document.documentElement.lang || undefined;
const format = new Intl.DateTimeFormat(language, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

function localise(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = format.format(at);
    delete time.dataset.moment;
  }
}

localise(document);
document.addEventListener("htmx:afterSwap", (event) => localise(event.detail.target.parentElement ?? document));

// How hard a new password is to guess, said while it is typed. Nothing leaves the browser; the server's rules decide.
const COMMON = ["password", "qwerty", "asdfgh", "letmein", "welcome", "admin", "dragon", "monkey", "iloveyou", "пароль", "йцукен", "любовь", "exchequer", "usdt"];
const ROWS = ["abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "йцукенгшщзхъ", "фывапролджэ"];

function alphabet(text) {
  let size = 0;
  if (/[a-z]/.test(text)) size += 26;
  if (/[A-Z]/.test(text)) size += 26;
  if (/[0-9]/.test(text)) size += 10;
  if (/[а-яё]/.test(text)) size += 33;
  if (/[А-ЯЁ]/.test(text)) size += 33;
  if (/[^a-zA-Z0-9а-яА-ЯёЁ]/.test(text)) size += 33;
  return Math.max(size, 1);
}

// Characters that somebody who guesses would have to guess: a run of a keyboard's row, of the alphabet or of one
// character counts as one or two, a common word as one.
function surprising(text) {
  let rest = text.toLowerCase();
  for (const word of COMMON) rest = rest.replaceAll(word, "\u0001");
  let count = 0;
  for (let at = 0; at < rest.length; at += 1) {
    const pair = rest.slice(at - 1, at + 1);
    const turned = pair.split("").reverse().join("");
    const runs = at > 0 && (pair[0] === pair[1] || ROWS.some((row) => row.includes(pair) || row.includes(turned)));
    count += runs ? 0.25 : 1;
  }
  return count;
}

export function strength(text) {
  const bits = surprising(text) * Math.log2(alphabet(text));
  return [30, 45, 60, 80].filter((limit) => bits >= limit).length;
}

for (const shown of document.querySelectorAll("[data-strength-for]")) {
  const field = document.getElementById(shown.dataset.strengthFor);
  if (!field) continue;
  const meter = shown.querySelector("meter");
  const words = shown.querySelector("[data-strength-words]");
  field.addEventListener("input", () => {
    shown.hidden = field.value === "";
    const found = strength(field.value);
    meter.value = found + 1;
    shown.dataset.level = String(found);
    words.textContent = shown.dataset[`level${found}`];
  });
}

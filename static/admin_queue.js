// The staff site's keys and small comforts. Keys move and open; they never send anything.
(() => {
  "use strict";

  const MODAL = "#modal-content";

  // On a phone rows are cards: each cell tells its column's name.
  function labelCells() {
    const heads = [...document.querySelectorAll("#result_list thead th")];
    for (const row of document.querySelectorAll("#result_list tr.data-row")) {
      [...row.children].forEach((cell, place) => {
        const head = heads[place];
        if (head && !cell.dataset.label) {
          const box = document.createElement("span");
          box.append(...cell.childNodes);
          cell.append(box);
          cell.dataset.label = head.textContent.trim();
        }
      });
    }
  }

  function rows() {
    return document.querySelector("[data-queue]") ? [...document.querySelectorAll("#result_list tr.data-row")] : [];
  }

  function current() {
    return document.querySelector("#result_list tr.x-current");
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    current()?.classList.remove("x-current");
    next.classList.add("x-current");
    const link = next.querySelector("a[href]");
    link?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  function openDialog(address) {
    window.htmx
      .ajax("GET", address, { target: MODAL, select: "#dialog", swap: "innerHTML" })
      .then(() => {
        if (document.querySelector(`${MODAL} #dialog`)) window.Alpine.$data(document.body).openModal = true;
      });
  }

  const DIALOGS = { a: "approve", h: "hold", r: "reject", g: "claim" };

  function decide(key) {
    const button = document.querySelector(`[data-queue-actions] [data-key="${key}"]`);
    if (button) {
      button.click();
      return true;
    }
    const link = current()?.querySelector("a[href]");
    if (!link) return false;
    const page = new URL(link.href).pathname.replace(/change\/$/, "");
    openDialog(`${page}${DIALOGS[key]}/`);
    return true;
  }

  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable], #modal-content #dialog") !== null;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isTyping(event.target)) return;
    if (window.Alpine?.$data(document.body)?.openModal) return;
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (!(event.key in DIALOGS) || !decide(event.key)) return;
    event.preventDefault();
  });

  // Signed out meanwhile, or no longer allowed: the answer holds no dialog. Load the page anew, it says why.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (target?.id !== "modal-content" && target?.id !== "dialog") return;
    if (!event.detail.xhr.responseText.includes('id="dialog"') && !event.detail.xhr.getResponseHeader("HX-Redirect")) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });

  // A dialog that opens takes the focus to its first field.
  document.addEventListener("htmx:afterSettle", (event) => {
    const dialog = document.querySelector(`${MODAL} #dialog`);
    if (dialog && (event.detail.target.id === "modal-content" || event.detail.target.id === "dialog")) {
      const first =
        dialog.querySelector("textarea:required, input:required:not([type=hidden]), input[autocomplete=one-time-code]") ||
        dialog.querySelector("textarea, input:not([type=hidden]), button[type=submit]");
      window.setTimeout(() => first?.focus(), 50);
    }
  });

  document.addEventListener("DOMContentLoaded", labelCells);
})();

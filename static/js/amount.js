// "Max" fills the amount in. Without this script the button submits the form and the server does it.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill-amount]");
  if (!button) return;
  const form = button.form;
  const saved = form?.querySelector("input[name=saved]:checked")?.dataset.network;
  const network = saved || form?.querySelector("input[name=network]:checked")?.value;
  const most = network && button.dataset[`max${network[0].toUpperCase()}${network.slice(1)}`];
  if (!most) return; // no network yet: the server says so
  event.preventDefault();
  const field = form.elements.amount;
  field.value = most;
  field.focus();
});

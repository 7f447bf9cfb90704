// Passkeys. A button `data-passkey="get"` (or "create") asks the browser and puts its answer into a hidden field;
// the form is then sent. Without scripts, or without passkeys in the browser, the button stays hidden.
const decoded = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const encoded = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function requestOptions(given) {
  const key = structuredClone(given.publicKey);
  key.challenge = decoded(key.challenge);
  for (const each of key.allowCredentials ?? []) each.id = decoded(each.id);
  return { publicKey: key };
}

function creationOptions(given, passwordless) {
  const key = structuredClone(given.publicKey);
  key.challenge = decoded(key.challenge);
  key.user.id = decoded(key.user.id);
  for (const each of key.excludeCredentials ?? []) each.id = decoded(each.id);
  if (passwordless) {
    key.authenticatorSelection = { ...key.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required" };
  }
  return { publicKey: key };
}

function answer(credential) {
  const { response } = credential;
  const said = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) said[name] = encoded(response[name]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: encoded(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: said,
  });
}

async function optionsOf(button) {
  if (button.dataset.passkeyUrl) {
    const response = await fetch(button.dataset.passkeyUrl, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
    return (await response.json()).request_options;
  }
  const given = JSON.parse(document.getElementById(button.dataset.passkeyOptions).textContent);
  return given.creation_options ?? given.request_options ?? given;
}

async function use(button) {
  const field = document.getElementById(button.dataset.passkeyInto);
  const problem = field.form.querySelector("[data-passkey-problem]");
  if (problem) problem.hidden = true;
  button.disabled = true;
  try {
    const options = await optionsOf(button);
    const passwordless = field.form.querySelector("[name=passwordless]")?.checked;
    const credential = button.dataset.passkey === "create"
      ? await navigator.credentials.create(creationOptions(options, passwordless))
      : await navigator.credentials.get(requestOptions(options));
    field.value = answer(credential);
    const submit = field.form.querySelector(button.dataset.passkeySubmits || "button:not([type=button]):not([name])");
    field.form.requestSubmit(submit);
  } catch {
    if (problem) problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

function reveal(root) {
  if (!window.PublicKeyCredential) return;
  for (const button of root.querySelectorAll("[data-passkey]")) button.hidden = false;
}

reveal(document);
document.addEventListener("htmx:load", (event) => reveal(event.detail.elt));
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-passkey]");
  if (button) use(button);
});

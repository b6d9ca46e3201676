// Passkeys: making one on the account's page, and signing a decision with one.
//
// What is signed is made here from what the page shows: the text of every element marked data-said is
// read, the intent among it must have the digest the decision is about, and the challenge handed to the
// device is the SHA-256 of the whole statement as RFC 8785 writes it. The server makes the same from what
// it has stored; if this page showed anything else, the two differ and nothing is decided.
(() => {
  "use strict";

  const encoder = new TextEncoder();
  const TYPE = "urn:trustportal:approval-statement:v1";
  const DOCUMENT_TYPE = "urn:trustportal:signing-statement:v1";

  const base64url = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const bytesOf = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const sha256 = (text) => crypto.subtle.digest("SHA-256", encoder.encode(text));
  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // RFC 8785 for what statements hold: texts, lists, and objects whose names are sorted by UTF-16 unit.
  const canonical = (value) => {
    if (typeof value === "string") return JSON.stringify(value);
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  };

  // data-said="intent.act.0.value" names a place, and the text shown there is its value. A piece of evidence
  // is a link: its text, its address, and the digest beside it, which is shortened to the eye and whole in its title.
  const shown = () => {
    const found = {};
    document.querySelectorAll("[data-said]").forEach((element) => {
      const path = element.dataset.said.split(".");
      const last = path.pop();
      path.reduce((inner, step) => (inner[step] ??= {}), found)[last] = element.textContent;
    });
    if (!found.intent) return found;
    const numbered = found.intent.act;
    found.intent.act = Object.keys(numbered).sort((a, b) => a - b).map((key) => numbered[key]);
    found.intent.evidence = [...document.querySelectorAll("[data-said-evidence]")].map((element) => {
      const link = element.querySelector("a");
      return {
        label: link.textContent,
        path: link.getAttribute("href"),
        sha256: element.querySelector("code").title,
      };
    });
    return found;
  };

  const wordsOf = (field) => field.value.replaceAll("\r\n", "\n").trim();
  const reasonField = (form) => form.elements.reason ?? form.elements.rationale;

  // A document is signed by its digest: that of the text this page holds, which is computed before signing.
  const documentStatementOf = (form, said) => ({
    type: DOCUMENT_TYPE,
    request: said.request,
    decision: "sign",
    version: said.version,
    digest: said.digest,
    rationale: wordsOf(form.elements.rationale),
    person: said.person,
  });

  const statementOf = (form, decision) => {
    const said = shown();
    if (form.dataset.passkey === "sign-document") return documentStatementOf(form, said);
    const slot = decision === "deny" ? form.dataset.denySlot : form.elements.slot.value;
    return {
      type: TYPE,
      request: said.request,
      nonce: said.nonce,
      expires_at: said.expires_at,
      intent: said.intent,
      decision,
      slot,
      role: form.dataset.roles.split(" ")[Number(slot) - 1],
      person: said.person,
      reason: wordsOf(form.elements.reason),
    };
  };

  const say = (form, text) => {
    const place = form.querySelector("[data-passkey-says]");
    place.querySelector("p").textContent = text;
    place.hidden = false;
    place.focus();
  };

  const why = (error, otherwise) =>
    error.name === "NotAllowedError" ? otherwise : `Your browser could not do it: ${error.message}`;

  const sign = async (form, decision) => {
    const statement = statementOf(form, decision);
    const digested = statement.intent ? canonical(statement.intent) : document.getElementById("digested").textContent;
    if (hex(await sha256(digested)) !== form.elements.digest.value) {
      throw new Error("what this page shows is not what was asked for. Load it again");
    }
    const credential = await navigator.credentials.get({
      publicKey: {
        challenge: await sha256(canonical(statement)),
        rpId: form.dataset.rpId,
        allowCredentials: form.dataset.credentials.split(" ").map((id) => ({ type: "public-key", id: bytesOf(id) })),
        userVerification: "required",
      },
    });
    return JSON.stringify({
      credentialId: base64url(credential.rawId),
      authenticatorData: base64url(credential.response.authenticatorData),
      clientDataJSON: base64url(credential.response.clientDataJSON),
      signature: base64url(credential.response.signature),
    });
  };

  const watchDecision = (form) => {
    const text = document.getElementById("statement");
    const complete = form.elements.slot || form.elements.rationale;
    const show = () => { if (text && complete) text.textContent = canonical(statementOf(form, "approve")); };
    form.addEventListener("input", show);
    show();
    form.addEventListener("submit", async (event) => {
      const button = event.submitter;
      if (form.elements.assertion.value || !button || !button.dataset.decision) return;
      event.preventDefault();
      reasonField(form).value = wordsOf(reasonField(form));
      button.disabled = true;
      try {
        form.elements.assertion.value = await sign(form, button.dataset.decision);
      } catch (error) {
        say(form, why(error, "Your device did not sign, so nothing was decided. Try again; or, if none of your passkeys is on this device, add one under Account."));
        form.querySelectorAll("[data-unsigned]").forEach((each) => { each.hidden = false; });
        return;
      } finally {
        button.disabled = false;
      }
      form.requestSubmit(button);
    });
  };

  const create = async (form) => {
    const options = JSON.parse(form.dataset.options);
    const credential = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytesOf(options.challenge),
        user: { ...options.user, id: bytesOf(options.user.id) },
        excludeCredentials: (options.excludeCredentials ?? []).map((each) => ({ ...each, id: bytesOf(each.id) })),
      },
    });
    return JSON.stringify({
      id: credential.id,
      rawId: base64url(credential.rawId),
      type: credential.type,
      response: {
        clientDataJSON: base64url(credential.response.clientDataJSON),
        attestationObject: base64url(credential.response.attestationObject),
        transports: credential.response.getTransports?.() ?? [],
      },
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };

  const watchEnrolment = (form) => {
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      try {
        form.elements.credential.value = await create(form);
      } catch (error) {
        const known = error.name === "InvalidStateError";
        say(form, known ? "This device holds a passkey of yours already." : why(error, "Your device made no passkey. You can try again."));
        return;
      }
      form.requestSubmit();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const able = Boolean(window.PublicKeyCredential && window.crypto?.subtle);
    document.querySelectorAll("form[data-passkey]").forEach((form) => {
      if (able) {
        (form.dataset.passkey === "create" ? watchEnrolment : watchDecision)(form);
        // What takes this script cannot be pressed before it is there.
        form.querySelectorAll("button[disabled]").forEach((button) => { button.disabled = false; });
      } else say(form, "This browser cannot use passkeys here. Use a current one, and reach the portal by its https address.");
    });
  });
})();

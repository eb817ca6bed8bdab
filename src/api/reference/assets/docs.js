"use strict";

// Light or dark, as the rest of the machine.
function followScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

// Marks the part that the query names, and says where its document is.
function choose() {
  const part = new URLSearchParams(location.search).get("part");
  const path = part ? `openapi/${encodeURIComponent(part)}.json` : "openapi.json";
  const link = document.getElementById("document");
  link.setAttribute("href", path);
  link.textContent = path;
  const page = part ? `docs?part=${part}` : "docs";
  for (const other of link.parentElement.children) {
    if (other.getAttribute("href") === page) other.setAttribute("aria-current", "page");
  }
  return path;
}

// The document, with the address under which this page was reached: a proxy may have put a path before it.
async function load(root, path) {
  const response = await fetch(new URL(path, root));
  if (!response.ok) throw new Error(`status ${response.status}`);
  const spec = await response.json();
  // Swagger UI would link to a page of this very expression, which nobody has.
  delete spec.info.license?.identifier;
  return { ...spec, servers: [{ url: root.href.replace(/\/$/, "") }] };
}

function show(spec) {
  SwaggerUIBundle({
    spec,
    dom_id: "#reference",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
}

followScheme();
load(new URL("./", location.href), choose()).then(show, (error) => {
  document.getElementById("state").textContent = `The reference could not be loaded (${error.message}). Load the page again.`;
});

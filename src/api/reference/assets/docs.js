"use strict";

// Light or dark, as the rest of the machine.
function followScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

// The document, with the address under which this page was reached: a proxy may have put a path before it.
async function load(root) {
  const response = await fetch(new URL("openapi.json", root));
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
load(new URL("./", location.href)).then(show, (error) => {
  document.getElementById("state").textContent = `The reference could not be loaded (${error.message}). Load the page again.`;
});

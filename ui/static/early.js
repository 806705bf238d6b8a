// Runs before the first paint, so that nobody sees the wrong theme, language or frame for a moment, and starts the
// download of the program for this address: the small one where it has the page (src/program.rs), else the full one.
// The keys are those of theme.rs, language.rs, rail.rs and client/session.rs.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("slurmdash.theme");
    if (theme) root.dataset.theme = theme;
    const language = localStorage.getItem("slurmdash.language") ?? navigator.language;
    if (language.toLowerCase().startsWith("ko")) root.lang = "ko";
    if (localStorage.getItem("slurmdash.rail")) root.dataset.rail = "folded";
    if (localStorage.getItem("slurmdash.session")) root.dataset.session = "";
  } catch {
    // Storage is off: the system's theme and the default language it is.
  }

  const small = ["/", "/login", "/dashboard"].includes(location.pathname);
  root.dataset.program = small ? "entry" : "full";
  const link = (attributes) => Object.assign(document.createElement("link"), attributes);
  document.head.append(
    link({ rel: "modulepreload", href: small ? "/assets/slurmdash_entry.js" : "/assets/slurmdash_ui.js" }),
    link({
      rel: "preload",
      href: small ? "/assets/slurmdash_entry_bg.wasm" : "/assets/slurmdash_ui_bg.wasm",
      as: "fetch",
      type: "application/wasm",
      crossOrigin: "anonymous",
    }),
  );
})();

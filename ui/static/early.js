// Runs before the first paint, so that nobody sees the wrong theme, language or frame for a moment.
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
})();

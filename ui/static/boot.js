// Starts the program that early.js chose, and afterwards fetches the web font: text is readable at once in the system's
// font. Whoever is signed in gets the full program ahead of the click that needs it.
const small = document.documentElement.dataset.program === "entry";

async function start() {
  const program = await (small ? import("/assets/slurmdash_entry.js") : import("/assets/slurmdash_ui.js"));
  const wasm = small ? "/assets/slurmdash_entry_bg.wasm" : "/assets/slurmdash_ui_bg.wasm";
  await program.default({ module_or_path: wasm });
}

function prefetch() {
  for (const href of ["/assets/slurmdash_ui.js", "/assets/slurmdash_ui_bg.wasm"]) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "prefetch", href }));
  }
}

if (small) {
  // app.rs sends it.
  const whenIdle = window.requestIdleCallback ?? ((call) => setTimeout(call, 2000));
  addEventListener("slurmdash:signed-in", () => whenIdle(prefetch), { once: true });
}

start()
  .catch((error) => {
    const message = document.createElement("p");
    message.className = "no-script";
    message.textContent =
      document.documentElement.lang === "ko"
        ? "페이지를 시작하지 못했습니다. 새로 고치거나 최신 브라우저를 사용하세요."
        : "This page could not start. Reload it, or use a current browser.";
    document.getElementById("app").replaceChildren(message);
    console.error(error);
  })
  .finally(() => {
    const fonts = document.createElement("link");
    fonts.rel = "stylesheet";
    fonts.href = "/assets/pretendard.css";
    document.head.append(fonts);
  });

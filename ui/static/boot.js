// Starts the program, and afterwards fetches the web font: text is readable at once in the system's font.
import init from "/assets/slurmdash_ui.js";

const started = init({ module_or_path: "/assets/slurmdash_ui_bg.wasm" });

const fonts = document.createElement("link");
fonts.rel = "stylesheet";
fonts.href = "/assets/pretendard.css";
started.finally(() => document.head.append(fonts));

started.catch((error) => {
  const message = document.createElement("p");
  message.className = "no-script";
  message.textContent =
    document.documentElement.lang === "ko"
      ? "페이지를 시작하지 못했습니다. 새로 고치거나 최신 브라우저를 사용하세요."
      : "This page could not start. Reload it, or use a current browser.";
  document.getElementById("app").replaceChildren(message);
  console.error(error);
});

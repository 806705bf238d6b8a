// node lighthouse.mjs READY_FILE: looks at /login as a stranger and at /dashboard signed in, with Lighthouse's desktop
// settings; prints [{page, performance, accessibility, bytes, failed}] with bytes as they came over the wire.
// The account comes in a file, since arguments are for everybody to see.
import { readFileSync } from "node:fs";
import desktop from "lighthouse/core/config/desktop-config.js";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const { url, username, password } = JSON.parse(readFileSync(process.argv[2], "utf8"));
// What a page is made of; what it fetches ahead for the next one (<link rel="prefetch">, the only requests of the
// lowest priority) doesn't count.
const FIRST_PAGE = ["text/html", "text/css", "text/javascript", "application/javascript", "application/wasm"];

const browser = await puppeteer.launch({
  executablePath: process.env.CHROME_PATH,
  args: [
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

async function look(page, path) {
  const cdp = await page.createCDPSession();
  await cdp.send("Network.clearBrowserCache");
  const options = { onlyCategories: ["performance", "accessibility"], disableStorageReset: true };
  const { lhr } = await lighthouse(new URL(path, url).href, options, desktop, page);
  if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`);
  if (new URL(lhr.finalDisplayedUrl).pathname !== path) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
  const requests = lhr.audits["network-requests"].details.items;
  const score = (category) => Math.round(lhr.categories[category].score * 100);
  return {
    page: path,
    performance: score("performance"),
    accessibility: score("accessibility"),
    bytes: requests
      .filter(({ mimeType, priority, url }) =>
        FIRST_PAGE.includes(mimeType) && priority !== "VeryLow" && !url.includes("/api/"))
      .reduce((sum, { transferSize }) => sum + transferSize, 0),
    failed: Object.values(lhr.audits)
      .filter(({ id, score }) => score === 0 && lhr.categories.accessibility.auditRefs.some((ref) => ref.id === id))
      .map(({ id }) => id),
  };
}

try {
  const page = await browser.newPage();
  const login = await look(page, "/login");
  await page.goto(new URL("/login", url).href);
  await page.locator("input[name=username]").fill(username);
  await page.locator("input[name=password]").fill(password);
  await Promise.all([
    page.waitForFunction(() => location.pathname === "/dashboard"),
    page.locator("button[type=submit]").click(),
  ]);
  console.log(JSON.stringify([login, await look(page, "/dashboard")]));
} finally {
  await browser.close();
}

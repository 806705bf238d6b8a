// Signing in and out, sessions that end, API keys, the own password: as people meet them.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "@playwright/test";
import { call, person, tokenOf } from "../api";
import { expect, test } from "../fixtures";
import { button, content, dialog, enter, expectEnded, link, login, row, signIn, toast, wizard } from "../hooks";
import { withServer } from "../servers";

/** The session of the page that is signed in, as another one of the same person sees it. */
async function sessionOf(request: Parameters<typeof call>[0], token: string): Promise<string> {
  const { sessions } = await call(request, token, "GET", "/api/v2/sessions");
  const other = sessions.find((session: { is_current: boolean }) => !session.is_current);
  return other.id;
}

/** The person menu, where the way to the profile and out is. */
async function openMenu(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Account" }).click();
}

test("after too many wrong passwords it says how long to wait, and counts down", async ({ page }) => {
  test.slow();
  // A server of its own: what is counted here must not keep other tests out.
  await withServer("sim", async (server) => {
    await page.goto(`${server.url}/login`);
    for (let attempt = 1; attempt <= 12; attempt++) {
      await enter(page, { username: server.username, password: `wrong ${attempt}` });
      await expect(page.locator(".banner")).toContainText(/do not match|Too many attempts/);
      if (await page.getByText("Too many attempts").isVisible()) break;
    }
    await expect(page.getByText("Too many attempts")).toBeVisible();
    await expect(login.submit(page)).toBeDisabled();
    const left = async () => {
      const words = /(\d+):(\d\d)/.exec((await page.locator(".banner").textContent()) ?? "");
      return words ? Number(words[1]) * 60 + Number(words[2]) : 0;
    };
    const first = await left();
    await expect.poll(left).toBeLessThan(first);
    // The wait is over at some time, and then the right password is good.
    await expect(login.submit(page)).toBeEnabled({ timeout: (first + 5) * 1_000 });
    await enter(page, server);
    await expect(page).toHaveURL(/\/dashboard$/);
  });
});

test("nothing that stands in the address is said in the page's name", async ({ page }) => {
  await page.goto("/login?error=Call%20555-0100%20now");
  await expect(page.getByText("Single sign-on did not work")).toBeVisible();
  await expect(page.locator("body")).not.toContainText("555-0100");
  await page.goto("/login?error=sso_denied");
  await expect(page.getByText("broken off before it was complete")).toBeVisible();
});

test("who comes back from single sign-on is taken in, and led on", async ({ page, server }) => {
  await page.goto("/login?sso=done&next=%2Fjobs%3Fview%3Dall");
  await expect(page.getByText("Single sign-on did not work"), "no session came back").toBeVisible();
  // What the identity provider's answer leaves behind: the cookie, and nothing that scripts know of.
  const answer = await page.request.post("/api/auth/login", {
    headers: { "X-Slurmdash-Browser": "1" },
    data: { username: server.username, password: server.password },
  });
  expect(answer.ok()).toBe(true);
  await page.goto("/login?sso=done&next=%2Fjobs%3Fview%3Dall");
  await expect(page).toHaveURL(/\/jobs\?view=all$/);
  await page.reload();
  await expect(content(page).getByRole("heading", { level: 1 })).toBeVisible();
});

test("what the cluster asks beyond a password is asked, step by step", async ({ page, server }) => {
  // The demo has no sshd that asks; what it would say is said in its place, up to the session itself.
  const more = (login_id: string, text: string, echo: boolean, expires_in = 60) => ({
    status: 202,
    json: { login_id, instruction: "Second factor for ada", prompts: [{ text, echo }], expires_in },
  });
  const refused = (status: number, code: string) => ({
    status,
    contentType: "application/problem+json",
    json: { type: "about:blank", title: code, status, detail: code, code, request_id: "1", error: code },
  });
  const heard: unknown[] = [];
  await page.route("**/api/auth/login", (route) => route.fulfill(more("first", "Verification code: ", false)));
  await page.route("**/api/auth/login/continue", async (route) => {
    const said = route.request().postDataJSON();
    heard.push(said);
    const [answer] = said.answers;
    if (answer === "000000") return route.fulfill(refused(401, "invalid_credentials"));
    if (answer === "late") return route.fulfill(refused(410, "login_over"));
    if (said.login_id === "first") return route.fulfill(more("second", "Which project?", true));
    const data = JSON.stringify({ username: server.username, password: server.password });
    const url = `${server.url}/api/auth/login`;
    return route.fulfill({ response: await route.fetch({ url, postData: data }) });
  });
  const begin = async () => {
    await enter(page, { username: "ada", password: "right" });
    await expect(page.getByText("Second factor for ada")).toBeVisible();
  };
  const code = page.locator('input[name="answer_0"]');
  await page.goto("/login?next=%2Fprofile");
  await begin();
  await expect(page.getByLabel("Verification code")).toHaveAttribute("type", "password");
  await expect(code).toHaveAttribute("autocomplete", "one-time-code");
  await expect(code).toBeFocused();
  await expect(page.getByRole("timer")).toHaveText(/^0:5\d left$/);

  await code.fill("000000");
  await button(page, "Continue").click();
  await expect(page.getByText("That answer was not accepted.")).toBeVisible();
  await expect(login.username(page)).toHaveValue("ada");
  await expect(login.password(page)).toHaveValue("");

  await begin();
  await code.fill("late");
  await button(page, "Continue").click();
  await expect(page.getByText("has to begin anew")).toBeVisible();

  await begin();
  await button(page, "Begin anew").click();
  await expect(login.username(page)).toBeVisible();

  await begin();
  await code.fill("123456");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Which project?")).toHaveAttribute("type", "text");
  await expect(code).toHaveValue("");
  await code.fill("cfd");
  await button(page, "Continue").click();
  await expect(page).toHaveURL(/\/profile$/);
  expect(heard.slice(-2)).toEqual([
    { login_id: "first", answers: ["123456"] },
    { login_id: "second", answers: ["cfd"] },
  ]);
});

test("a session that ends while somebody works leads to the login at once, and back to where they were", async ({
  page,
  server,
  request,
}) => {
  const somebody = await person(request, server);
  await signIn(page, somebody);
  await page.goto("/jobs?view=all&state=RUNNING");
  await expect(page.locator(".freshness[data-state=live]")).toBeVisible();
  const token = await tokenOf(request, somebody);
  await call(request, token, "DELETE", `/api/v2/sessions/${await sessionOf(request, token)}`);
  await expectEnded(page, 2_000);
  await enter(page, somebody);
  await expect(page).toHaveURL(/\/jobs\?view=all&state=RUNNING$/);
  await expect(content(page).getByRole("heading", { level: 1 })).toBeVisible();
});

test("what was filled in for a new job outlives the session", async ({ page, server, request }) => {
  const somebody = await person(request, server);
  await signIn(page, somebody);
  await page.goto("/jobs/new");
  await wizard.card(page, "Custom Job").click();
  await wizard.next(page).click();
  await wizard.next(page).click();
  await wizard.input(page, "job_name").fill("not-lost");
  await expect(page.locator(".freshness[data-state=live]")).toBeVisible();
  const token = await tokenOf(request, somebody);
  await call(request, token, "DELETE", `/api/v2/sessions/${await sessionOf(request, token)}`);
  await expectEnded(page, 2_000);
  await enter(page, somebody);
  await expect(page).toHaveURL(/\/jobs\/new\?/);
  await expect(wizard.input(page, "job_name")).toHaveValue("not-lost");
});

test("sessions are listed, and one or all others are ended", async ({ page, server, request, browser, baseURL }) => {
  const somebody = await person(request, server);
  await signIn(page, somebody);
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await signIn(elsewhere, somebody);
  await expect(elsewhere.locator(".freshness[data-state=live]")).toBeVisible();

  await openMenu(page);
  await page.getByRole("link", { name: "Profile" }).click();
  await expect(page).toHaveURL(/\/profile$/);
  await expect(row(page, "This session")).toHaveCount(1);
  await expect(row(page, "Chrome on Linux")).toHaveCount(2);
  await row(page, "Chrome on Linux").getByRole("button", { name: /End the session/ }).click();
  await button(dialog(page), "End session").click();
  await expect(toast(page, "The session has ended")).toBeVisible();
  await expectEnded(elsewhere, 2_000);
  await expect(row(page, "Chrome on Linux")).toHaveCount(1);

  await tokenOf(request, somebody);
  await page.reload();
  await button(page, "End all others").click();
  await button(dialog(page), "End all others").click();
  await expect(toast(page, "Sessions ended: 1")).toBeVisible();
  await expect(content(page).locator("tbody tr")).toHaveCount(1);
  await expect(button(page, "End all others")).toBeDisabled();
  await elsewhere.context().close();
});

test("signing out everywhere ends every browser's session", async ({ page, server, request, browser, baseURL }) => {
  const somebody = await person(request, server);
  await signIn(page, somebody);
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await signIn(elsewhere, somebody);
  await expect(elsewhere.locator(".freshness[data-state=live]")).toBeVisible();
  await page.goto("/profile?tab=sessions");
  await button(page, "Sign out everywhere").click();
  await button(dialog(page), "Sign out everywhere").click();
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByText("Your session has ended")).toHaveCount(0);
  await expectEnded(elsewhere, 2_000);
  for (const one of [page, elsewhere]) {
    await one.goto("/profile");
    await expect(one).toHaveURL(/\/login/);
  }
  await elsewhere.context().close();
});

test("two tabs of one browser share a session and its end", async ({ page, server, request, context }) => {
  const somebody = await person(request, server);
  await signIn(page, somebody);
  const tab = await context.newPage();
  await tab.goto("/jobs");
  await expect(content(tab).getByRole("heading", { level: 1 })).toBeVisible();
  await openMenu(page);
  await button(page, "Sign out").click();
  await expect(page).toHaveURL(/\/login/);
  await expect(tab).toHaveURL(/\/login/);
  await enter(page, somebody);
  await expect(page).toHaveURL(/\/dashboard$/);
  await expect(tab).toHaveURL(/\/jobs$/);
});

test("an API key is made, used by curl from a file, and revoked", async ({ page, server, request, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const somebody = await person(request, server);
  await signIn(page, somebody);
  await page.goto("/profile");
  await link(page, "/profile?tab=keys").click();
  await expect(page.getByRole("heading", { name: "API Keys" })).toBeVisible();
  await button(page, "Create New Key").click();
  await button(dialog(page), "Create key").click();
  await expect(dialog(page).getByText("Allow it at least one thing.")).toBeVisible();
  await expect(dialog(page).getByLabel("Make, change and delete accounts")).toHaveCount(0);
  await dialog(page).locator('input[name="name"]').fill("workstation");
  await dialog(page).getByLabel("See jobs and their output").check();
  await dialog(page).getByLabel("30 days", { exact: true }).check();
  await button(dialog(page), "Create key").click();

  const field = page.locator('input[name="api_key"]');
  await expect(field).toHaveValue(/^sk_live_/);
  const key = await field.inputValue();
  for (let press = 0; press < 3; press++) await page.keyboard.press("Escape");
  await page.mouse.click(5, 5);
  await expect(field, "it does not go by accident").toBeVisible();
  await button(dialog(page), "I have kept it").click();
  await expect(dialog(page).getByText("The key has not been copied")).toBeVisible();
  await button(dialog(page), "Back to the key").click();
  await dialog(page).locator(".once-shown button").click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  await button(dialog(page), "I have kept it").click();
  await expect(field).toHaveCount(0);
  await expect(page.locator("body")).not.toContainText(key);
  await expect(row(page, "workstation")).toContainText("job:view");

  const folder = mkdtempSync(join(tmpdir(), "slurmdash-e2e-key-"));
  try {
    const file = join(folder, "key");
    writeFileSync(file, `X-API-Key: ${key}\n`, { mode: 0o600 });
    const curl = async (...words: string[]) => {
      const how = ["-sS", "-o", join(folder, "answer"), "-w", "%{http_code}", "-H", `@${file}`, ...words];
      return (await promisify(execFile)("curl", how)).stdout;
    };
    expect(await curl(`${server.url}/api/jobs`)).toBe("200");
    expect(await curl(`${server.url}/api/nodes/status`), "not among its permissions").toBe("403");
    await row(page, "workstation").getByRole("button", { name: "Revoke the key workstation" }).click();
    await button(dialog(page), "Revoke key").click();
    await expect(row(page, "workstation")).toContainText("Revoked");
    expect(await curl(`${server.url}/api/jobs`)).toBe("401");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("another password is good at once, and ends what else was open", async ({
  page,
  server,
  request,
  browser,
  baseURL,
}) => {
  const somebody = await person(request, server);
  await signIn(page, somebody);
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await signIn(elsewhere, somebody);
  await expect(elsewhere.locator(".freshness[data-state=live]")).toBeVisible();
  await page.goto("/profile?tab=password");
  const field = (name: string) => page.locator(`input[name="${name}"]`);
  await field("current_password").fill("not this one, surely");
  await field("new_password").fill("short");
  await button(page, "Change password").click();
  await expect(page.getByText("Too short: 7 more to go.")).toBeVisible();
  const better = "a garden full of tea";
  await field("new_password").fill(better);
  await field("new_password_again").fill(better);
  await button(page, "Change password").click();
  await expect(page.getByText("The current password is not right.")).toBeVisible();
  await field("current_password").fill(somebody.password);
  await button(page, "Change password").click();
  await expect(toast(page, "The password is changed")).toBeVisible();
  await expectEnded(elsewhere, 2_000);
  await enter(elsewhere, { ...somebody, password: better });
  await expect(elsewhere).toHaveURL(/\/dashboard$/);
  await page.goto("/profile");
  await expect(page.getByRole("heading", { name: "Profile" })).toBeVisible();
  await elsewhere.context().close();
});

test("language and theme are chosen in the profile", async ({ signedIn: page }) => {
  await page.goto("/profile?tab=preferences");
  await page.getByLabel("Dark", { exact: true }).check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByLabel("한국어", { exact: true }).check();
  await expect(page.getByRole("heading", { name: "프로필" })).toBeVisible();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", "ko");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

// Looking after accounts: making and disabling them, the audit log, security events.
import { readFileSync } from "node:fs";
import { call, person, tokenOf } from "../api";
import { expect, test } from "../fixtures";
import { button, content, dialog, enter, expectEnded, link, row, signIn, toast } from "../hooks";

test("an account is made with a password that is shown once, and disabled under its owner's eyes", async ({
  signedIn: page,
  browser,
  baseURL,
}) => {
  await link(page, "/admin").click();
  await expect(page).toHaveURL(/\/admin\/users$/);
  const username = `made-${Date.now()}`;
  await button(page, "New User").click();
  await button(dialog(page), "Create user").click();
  await expect(dialog(page).getByText("Enter a name.")).toBeVisible();
  await dialog(page).locator('input[name="username"]').fill(username);
  await dialog(page).getByLabel("user", { exact: true }).check();
  await button(dialog(page), "Create user").click();
  const field = page.locator('input[name="made_password"]');
  await expect(field).toHaveValue(/.{12}/);
  const password = await field.inputValue();
  await page.keyboard.press("Escape");
  await expect(field, "it does not go by accident").toBeVisible();
  await button(dialog(page), "I have passed it on").click();
  await expect(field).toHaveCount(0);

  const theirs = await (await browser.newContext({ baseURL })).newPage();
  await signIn(theirs, { username, password });
  await expect(theirs.locator('a[href="/admin"]')).toHaveCount(0);
  await expect(theirs.locator(".freshness[data-state=live]")).toBeVisible();

  await page.locator('input[name="q"]').fill(username);
  await expect(page).toHaveURL(new RegExp(`q=${username}`));
  await content(page).getByRole("link", { name: username }).click();
  await expect(page.getByRole("heading", { name: username })).toBeVisible();
  await expect(row(page, "Chrome on Linux")).toHaveCount(1);
  await button(page, "Disable").click();
  await expect(dialog(page)).toContainText("open sessions: 1");
  const before = theirs.url();
  await button(dialog(page), "Disable").click();
  await expectEnded(theirs, 1_000);
  expect(before).not.toContain("/login");
  await expect(toast(page, `${username} is disabled`)).toBeVisible();
  await expect(page.locator(".user-facts")).toContainText("Disabled");
  await enter(theirs, { username, password });
  await expect(theirs.locator(".banner")).toBeVisible();
  await expect(theirs).toHaveURL(/\/login/);

  await button(page, "Enable").click();
  await button(dialog(page), "Enable").click();
  await expect(page.locator(".user-facts")).toContainText("Active");
  await enter(theirs, { username, password });
  await expect(theirs).toHaveURL(/\/dashboard$/);
  await theirs.context().close();
});

test("roles and mail are changed, a password is set, and an account is deleted by its name", async ({
  signedIn: page,
  server,
  request,
}) => {
  const somebody = await person(request, server);
  await page.goto(`/admin/users/${somebody.id}`);
  await button(page, "Edit").click();
  await dialog(page).getByLabel("viewer", { exact: true }).check();
  await dialog(page).getByLabel("user", { exact: true }).uncheck();
  await dialog(page).locator('input[name="email"]').fill("somebody@cluster.example");
  await button(dialog(page), "Save").click();
  const facts = page.locator(".user-facts");
  await expect(facts).toContainText("viewer");
  await expect(facts).toContainText("somebody@cluster.example");
  await expect(facts).not.toContainText("Submit jobs");

  const menu = async (name: string) => {
    await button(page, "More").click();
    await page.getByRole("menuitem", { name }).click();
  };
  await menu("Reset password");
  await dialog(page).getByLabel("Type one").check();
  await dialog(page).locator('input[name="password"]').fill("another long password");
  await button(dialog(page), "Set password").click();
  await expect(toast(page, `${somebody.username} has a new password`)).toBeVisible();
  await tokenOf(request, { ...somebody, password: "another long password" });

  await menu("Unlock");
  await button(dialog(page), "Unlock").click();
  await expect(toast(page, `${somebody.username} can try again`)).toBeVisible();

  await menu("Delete");
  const mean = button(dialog(page), "Delete account");
  await expect(mean).toBeDisabled();
  await dialog(page).locator('input[name="confirm_name"]').fill(somebody.username);
  await mean.click();
  await expect(page).toHaveURL(/\/admin\/users$/);
  await page.goto(`/admin/users/${somebody.id}`);
  await expect(page.getByText("There is no such account")).toBeVisible();
});

test("nobody locks themselves out", async ({ signedIn: page, server, request }) => {
  const { id } = await call(request, await tokenOf(request, server), "GET", "/api/auth/me");
  await page.goto(`/admin/users/${id}`);
  await button(page, "Disable").click();
  await button(dialog(page), "Disable").click();
  await expect(dialog(page)).toContainText(/lock yourself out|last account/);
  await button(dialog(page), "Cancel").click();
  await expect(page.locator(".user-facts")).toContainText("This is you");
});

test("a session and a key of somebody are ended from their page", async ({ signedIn: page, server, request }) => {
  const somebody = await person(request, server);
  const token = await tokenOf(request, somebody);
  const key = { name: "forgotten", permissions: ["job:view"], expires_in_days: 30 };
  const { api_key } = await call(request, token, "POST", "/api/v2/api-keys", key);
  await page.goto(`/admin/users/${somebody.id}`);
  await row(page, "forgotten").getByRole("button", { name: "Revoke the key forgotten" }).click();
  await button(dialog(page), "Revoke key").click();
  await expect(row(page, "forgotten")).toContainText("Revoked");
  expect((await request.get("/api/jobs", { headers: { "X-API-Key": api_key } })).status()).toBe(401);
  await button(page, "End all").click();
  await button(dialog(page), "End all").click();
  await expect(page.getByText("No open sessions")).toBeVisible();
  const refused = await request.get("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } });
  expect(refused.status()).toBe(401);
});

test("who may only look sees no buttons; who may not look is told so", async ({ page, server, request }) => {
  const viewer = await person(request, server, ["viewer"]);
  await signIn(page, viewer);
  await expect(page.locator('a[href="/admin"]')).toHaveCount(0);
  await expect(page.locator('a[href="/jobs/new"]')).toHaveCount(0);
  for (const path of ["/admin", "/admin/users", "/admin/audit", "/admin/events", "/jobs/new"]) {
    await page.goto(path);
    await expect(page.getByText("This page is not for you")).toBeVisible();
  }
  await button(page, "See what you may do").click();
  await expect(page.locator(".profile-card")).toContainText("See jobs and their output");
});

test("roles are shown as a matrix", async ({ signedIn: page }) => {
  await page.goto("/admin/roles");
  const submit = page.locator("tr", { hasText: "job:submit" });
  await expect(submit).toBeVisible();
  await expect(submit.locator("td")).toHaveCount((await page.locator("thead th").count()) - 1);
  await expect(submit).toContainText("allowed");
  await page.locator("thead").getByRole("link", { name: "viewer" }).click();
  await expect(page).toHaveURL(/\/admin\/users\?role=viewer$/);
});

test("the audit log is filtered by what is in the address, and exported as it is shown", async ({
  signedIn: page,
  server,
  request,
}) => {
  const somebody = await person(request, server);
  const other = await person(request, server);
  for (const one of [somebody, other]) {
    const token = await tokenOf(request, one);
    const key = { name: "audited", permissions: ["job:view"], expires_in_days: 30 };
    await call(request, token, "POST", "/api/v2/api-keys", key);
  }
  await page.goto("/admin/audit");
  await page.locator('input[name="user"]').fill(somebody.username);
  await expect(page).toHaveURL(new RegExp(`user=${somebody.username}`));
  await expect(row(page, "Created an API key")).toHaveCount(1);
  await expect(row(page, other.username)).toHaveCount(0);
  await page.locator('select[name="action"]').selectOption("session.");
  await expect(row(page, "Created an API key")).toHaveCount(0);
  await expect(row(page, "Signed in").first()).toContainText("session.begin");
  await page.locator('select[name="range"]').selectOption("1h");
  await expect(page).toHaveURL(/range=1h/);
  await page.reload();
  await expect(row(page, "Signed in").first()).toBeVisible();
  await expect(page.locator('select[name="action"]')).toHaveValue("session.");

  await page.locator('select[name="action"]').selectOption("");
  await expect(row(page, "Created an API key")).toHaveCount(1);
  await row(page, "Created an API key").locator("summary").click();
  await expect(row(page, "Created an API key")).toContainText("Hash of the row before");

  const save = async (item: string) => {
    await button(page, "Export").click();
    const download = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: item }).click();
    const file = await download;
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
  };
  const csv = await save("Export CSV");
  expect(csv.name).toMatch(/^slurmdash-audit-\d{4}-\d\d-\d\d\.csv$/);
  expect(csv.text).toContain("api_key.create");
  expect(csv.text).not.toContain(other.username);
  const lines = (await save("Export JSON lines")).text.trim().split("\n");
  const rows = lines.map((line) => JSON.parse(line));
  expect(rows.some(({ action }) => action === "api_key.create")).toBe(true);
  expect(rows.every(({ username }) => username === somebody.username)).toBe(true);

  await page.goto("/admin/audit?user=nobody-of-that-name");
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await button(page, "Clear filters").click();
  await expect(page).toHaveURL(/\/admin\/audit$/);
});

test("a security event is seen and dealt with", async ({ signedIn: page, request }) => {
  for (let again = 0; again < 3; again++) {
    await request.get("/api/jobs", { headers: { "X-API-Key": `sk_live_nobodys_${again}` } });
  }
  await expect(async () => {
    await page.goto("/admin/events?kind=key_invalid");
    await expect(row(page, "Invalid API key").first()).toBeVisible({ timeout: 1_000 });
  }).toPass();
  const event = row(page, "Invalid API key").first();
  await expect(event).toContainText("Low");
  await expect(event).toContainText(/\d+ times/);
  await event.getByRole("button", { name: "Resolve: Invalid API key" }).click();
  const note = `A script with an old key ${Date.now()}`;
  await dialog(page).locator('textarea[name="note"]').fill(note);
  await button(dialog(page), "Mark as dealt with").click();
  await expect(toast(page, "Marked as dealt with")).toBeVisible();
  await expect(row(page, note)).toHaveCount(0);
  await page.locator('select[name="state"]').selectOption("resolved");
  await expect(row(page, note)).toContainText("Dealt with");
  await expect(page).toHaveURL(/state=resolved/);
});

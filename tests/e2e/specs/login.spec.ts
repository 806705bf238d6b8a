import { expect, test } from "../fixtures";
import { expectEnded, login, signIn } from "../hooks";

test("a wrong password says so and stays", async ({ page, server }) => {
  await page.goto("/login");
  await login.username(page).fill(server.username);
  await login.password(page).fill("not the password");
  await login.submit(page).click();
  await expect(page.getByText(/do not match|Invalid credentials/)).toBeVisible();
  await expect(page).toHaveURL(/\/login/);
});

test("the keyboard is enough", async ({ page, server }) => {
  await page.goto("/login");
  await expect(login.username(page)).toBeFocused();
  await page.keyboard.type(server.username);
  await page.keyboard.press("Tab");
  await expect(login.password(page)).toBeFocused();
  await page.keyboard.type(server.password);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/dashboard$/);
});

test("a stranger is sent to the login and then on to where they wanted to go", async ({ page, server }) => {
  await page.goto("/nodes");
  await expect(page).toHaveURL(/\/login/);
  await login.username(page).fill(server.username);
  await login.password(page).fill(server.password);
  await login.submit(page).click();
  await expect(page).toHaveURL(/\/nodes$/);
});

test("a session that was ended elsewhere leads back to the login", async ({ page, server, request }) => {
  await signIn(page, server);
  await expect(page.locator(".freshness[data-state=live]")).toBeVisible();
  const answer = await request.post("/api/auth/login", {
    data: { username: server.username, password: server.password },
  });
  const { access_token: token } = await answer.json();
  const ended = await request.post("/api/auth/logout", { headers: { Authorization: `Bearer ${token}` } });
  expect(ended.ok()).toBe(true);
  // Whatever they do or don't do meanwhile.
  await expectEnded(page);
});

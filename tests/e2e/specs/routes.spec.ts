import { createHash } from "node:crypto";

import { expect, test } from "../fixtures";
import { content, link } from "../hooks";

const PAGES = [
  "/dashboard",
  "/jobs",
  "/jobs/new",
  "/nodes",
  "/templates",
  "/profile",
  "/admin/users",
  "/admin/roles",
  "/admin/audit",
  "/admin/events",
  "/gallery",
];

test("the navigation is made of real links", async ({ signedIn: page }) => {
  for (const path of ["/jobs", "/nodes", "/templates", "/dashboard"]) {
    await link(page, path).click();
    await expect(page).toHaveURL(new RegExp(`${path}$`));
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  }
  await page.goBack();
  await expect(page).toHaveURL(/\/templates$/);
});

for (const path of PAGES) {
  test(`${path} can be opened and reloaded by its address`, async ({ signedIn: page }) => {
    for (const open of [() => page.goto(path), () => page.reload()]) {
      const answer = await open();
      expect(answer?.status()).toBe(200);
      await expect(page).toHaveURL(new RegExp(`${path}$`));
      await expect(content(page).getByRole("heading", { level: 1 })).toBeVisible();
    }
  });
}

test("an unknown page says that it is none", async ({ signedIn: page }) => {
  await page.goto("/no/such/page");
  await expect(content(page).getByRole("heading", { name: "There is no page here" })).toBeVisible();
});

test("an unknown call is a problem in JSON, not a page", async ({ request }) => {
  const answer = await request.get("/api/nope");
  expect(answer.status()).toBe(404);
  expect(answer.headers()["content-type"]).toContain("application/problem+json");
  expect(await answer.json()).toMatchObject({ status: 404 });
});

test("an asset is the same in every coding, and for who takes none", async ({ server }) => {
  const page = await (await fetch(`${server.url}/login`)).text();
  const [path] = /\/assets\/styles-[^"]+\.css/.exec(page) ?? [];
  const asked = async (coding: string) => {
    const answer = await fetch(`${server.url}${path}`, { headers: { "Accept-Encoding": coding } });
    const used = answer.headers.get("content-encoding") ?? "none";
    return [used, createHash("sha256").update(Buffer.from(await answer.arrayBuffer())).digest("hex")];
  };
  const [plain, sum] = await asked("identity");
  expect(plain).toBe("none");
  expect(await asked("br")).toEqual(["br", sum]);
  expect(await asked("gzip")).toEqual(["gzip", sum]);
});

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "../fixtures";
import { content, switchLanguage } from "../hooks";

// Controllers are asked every ten seconds.
const SOON = { timeout: 30_000 };

test("a backup that is in charge is told on the dashboard and in the top bar, and jobs go on", async ({
  signedIn: page,
  server,
}) => {
  test.skip(server.away === undefined, "only the simulated cluster's controllers can be taken away by a test");
  test.setTimeout(150_000);
  const away = server.away ?? "";
  const [head1, head2] = [join(away, "head1"), join(away, "head2")];
  const banner = content(page).locator(".banner");
  const freshness = page.locator(".freshness");
  const controllers = page.getByRole("region", { name: "Controllers" });
  await expect(controllers).toContainText(/head1\s*In charge\s*head2\s*Ready/, SOON);
  await expect(banner).toHaveCount(0);
  await expect(freshness).toHaveText("Live");
  try {
    writeFileSync(head1, "");
    await expect(banner).toContainText("head1 does not answer; head2 is in charge", SOON);
    await expect(banner).toContainText("Jobs go on.");
    await expect(banner).toHaveCount(1);
    await expect(freshness).toHaveText("head2 is in charge");
    await expect(controllers).toContainText(/head1\s*Does not answer\s*head2\s*In charge/);
    await switchLanguage(page);
    await expect(banner).toContainText("head1 서버가 응답하지 않아 head2 서버가 제어하고 있습니다");
    await page.getByRole("button", { name: /English/ }).first().click();
    // Only the dashboard has the banner; the top bar says it everywhere.
    await page.goto("/nodes");
    await expect(freshness).toHaveText("head2 is in charge", SOON);
    await expect(banner).toHaveCount(0);
    await page.goto("/dashboard");

    writeFileSync(head2, "");
    await expect(banner).toContainText("No controller answers: head1, head2.", SOON);
    await expect(banner).toContainText("Slurm has not answered since");
    await expect(banner).toHaveCount(1);
  } finally {
    for (const file of [head1, head2]) rmSync(file, { force: true });
  }
  await expect(controllers).toContainText(/head1\s*In charge\s*head2\s*Ready/, SOON);
  await expect(banner).toHaveCount(0);
  await expect(freshness).toHaveText("Live");
});

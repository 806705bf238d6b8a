import { expect, test } from "../fixtures";
import { content, job } from "../hooks";
import { submitScript } from "../api";

test("a running job can be cancelled", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "to-cancel", "echo started\nsleep 600\n");
  await page.goto(`/jobs/${number}`);
  await expect(job.state(page, "Running")).toBeVisible({ timeout: 30_000 });
  await expect(job.output(page)).toContainText("started");
  await job.cancel(page).click();
  await job.confirm(page).click();
  await expect(job.state(page, "Cancelled")).toBeVisible({ timeout: 30_000 });
});

test("a failed job says so", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "to-fail", "echo about to fail >&2\nexit 3\n");
  await page.goto(`/jobs/${number}`);
  await expect(job.state(page, "Failed")).toBeVisible({ timeout: 30_000 });
  await expect(content(page).getByText(/exit code 3|code 3/i).first()).toBeVisible();
});

test("the list follows the jobs by itself", async ({ signedIn: page, server, request }) => {
  await page.goto("/jobs");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const number = await submitScript(request, server, "seen-live", "sleep 2\n");
  const row = content(page).locator(`a[href="/jobs/${number}"]`).first();
  await expect(row).toBeVisible();
  await row.click();
  await expect(page).toHaveURL(new RegExp(`/jobs/${number}$`));
  await expect(job.state(page, "Completed")).toBeVisible({ timeout: 30_000 });
});

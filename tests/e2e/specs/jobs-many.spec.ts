// The list of jobs: arrays as one row, jobs chosen with mouse and keys, and things done with many at once.
import type { Page } from "@playwright/test";
import { submitScript } from "../api";
import { expect, test } from "../fixtures";
import { button, content, jobs, job } from "../hooks";

/** The list, narrowed down to jobs whose names begin so: other tests have theirs in it. */
const list = (name: string) => `/jobs?q=${name}`;

test("an array is one row with a strip, and opens to its tasks by its address", async ({
  signedIn: page,
  server,
  request,
}) => {
  const script = 'if [ "$SLURM_ARRAY_TASK_ID" = 1 ]; then exit 3; fi\nsleep 300\n';
  const number = await submitScript(request, server, "folded", script, { array: "0-3" });
  await page.goto(list("folded"));
  await expect(jobs.row(page, number)).toBeVisible();
  await expect(content(page).locator("tbody tr")).toHaveCount(1);
  await expect(jobs.row(page, number).locator(".strip-picture")).toHaveAttribute("aria-label", /1 Failed/, {
    timeout: 30_000,
  });
  await jobs.row(page, number).getByRole("link", { name: `Show the tasks of array ${number}` }).click();
  await expect(page).toHaveURL(new RegExp(`open=${number}`));
  const failed = jobs.row(page, `${number}_1`);
  await expect(failed.locator(".pill")).toHaveText("Failed");
  await page.reload();
  await expect(failed).toBeVisible();
  await jobs.row(page, number).getByRole("link", { name: `Hide the tasks of array ${number}` }).click();
  await expect(failed).toHaveCount(0);

  await button(page, "Fold arrays").click();
  await expect(page).toHaveURL(/fold=no/);
  await expect(failed).toBeVisible();
  await expect(jobs.row(page, number)).toHaveCount(0);

  await page.goto(`/jobs/${number}`);
  await expect(content(page).getByRole("link", { name: /1\s*Failed/ })).toHaveAttribute("href", /state=FAILED/);
});

test("jobs are chosen with their boxes and cancelled together", async ({ signedIn: page, server, request }) => {
  const numbers = [];
  for (const place of ["a", "b", "c"]) {
    numbers.push(await submitScript(request, server, `bulk-${place}`, "sleep 600\n"));
  }
  await page.goto(list("bulk-"));
  await jobs.box(page, numbers[0]).check();
  await expect(jobs.bar(page)).toContainText("1 job selected");
  await jobs.box(page, numbers[2]).click({ modifiers: ["Shift"] });
  await expect(jobs.chosen(page)).toHaveCount(3);
  await expect(jobs.bar(page)).toContainText("3 jobs selected");

  await button(jobs.bar(page), "Cancel 3 jobs").click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("bulk-b");
  await dialog.getByRole("button", { name: "Cancel 3 jobs" }).click();
  await expect(jobs.toast(page, "3 jobs are being cancelled")).toBeVisible();
  await expect(jobs.chosen(page)).toHaveCount(0);
  for (const number of numbers) {
    await expect(jobs.row(page, number).locator(".pill")).toHaveText("Cancelled", { timeout: 30_000 });
  }
});

test("a job that refuses says why, and the others are done all the same", async ({ signedIn: page, server, request }) => {
  const first = await submitScript(request, server, "mixed-a", "sleep 600\n");
  const second = await submitScript(request, server, "mixed-b", "sleep 600\n");
  await page.route("**/api/jobs/actions", (route) =>
    route.fulfill({
      json: {
        results: [
          { job: String(second), ok: true },
          { job: String(first), ok: false, code: "slurm", detail: "Slurm does not let you" },
        ],
        done: 1,
        failed: 1,
      },
    }),
  );
  await page.goto(list("mixed-"));
  await page.getByRole("checkbox", { name: "Select all jobs on this page" }).check();
  await button(jobs.bar(page), "Cancel 2 jobs").click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel 2 jobs" }).click();
  const report = page.getByRole("alert").filter({ hasText: "Done for 1, not for 1" });
  await expect(report).toContainText("Slurm does not let you");
  await expect(report.getByRole("link", { name: String(first) })).toHaveAttribute("href", `/jobs/${first}`);
  await expect(jobs.toast(page, `Job ${second} is being cancelled`)).toBeVisible();
  await expect(jobs.chosen(page)).toHaveCount(1);
  await expect(jobs.box(page, first)).toBeChecked();
});

test("a hold is done at once and can be taken back", async ({ signedIn: page, server, request }) => {
  // It waits for an hour, and so can be held.
  const number = await submitScript(request, server, "to-hold", "true\n", { begin: "now+1hour" });
  await page.goto(list("to-hold"));
  await jobs.box(page, number).check();
  await button(jobs.bar(page), "Hold").click();
  await expect(jobs.toast(page, `Job ${number} is on hold`)).toBeVisible();
  await expect(jobs.row(page, number)).toContainText("held");
  await jobs.toast(page, "is on hold").getByRole("button", { name: "Undo" }).click();
  await expect(jobs.toast(page, `Job ${number} is released`)).toBeVisible();
  await expect(jobs.row(page, number)).not.toContainText("held");
});

test("the list is worked with keys alone", async ({ signedIn: page, server, request }) => {
  const numbers = [];
  for (const place of ["a", "b", "c"]) numbers.push(await submitScript(request, server, `keys-${place}`, "sleep 600\n"));
  const [third, second, first] = numbers;
  await page.goto(list("keys-"));
  await expect(jobs.link(page, third)).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expect(jobs.link(page, first)).toBeFocused();
  await page.keyboard.press("Space");
  await expect(jobs.chosen(page)).toHaveCount(1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(jobs.link(page, third)).toBeFocused();
  await page.keyboard.press("Shift+Space");
  await expect(jobs.chosen(page)).toHaveCount(3);
  await page.keyboard.press("x");
  await expect(jobs.chosen(page)).toHaveCount(0);
  await page.keyboard.press("Space");
  await expect(jobs.chosen(page)).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(jobs.bar(page)).toHaveCount(0);
  await page.keyboard.press("/");
  await expect(page.locator('input[name="q"]')).toBeFocused();
  await jobs.link(page, second).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/jobs/${second}$`));
  await expect(job.state(page, "Running")).toBeVisible({ timeout: 30_000 });
});

test("what is chosen survives live changes of the list", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "stays-a", "sleep 600\n");
  await page.goto(list("stays-"));
  await jobs.box(page, number).check();
  const other = await submitScript(request, server, "stays-b", "sleep 2\n");
  await expect(jobs.row(page, other).locator(".pill")).toHaveText("Completed", { timeout: 30_000 });
  await expect(jobs.box(page, number)).toBeChecked();
  await expect(jobs.chosen(page)).toHaveCount(1);
});

test("on a phone a touch chooses while that is wanted", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "touched", "sleep 600\n");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(list("touched"));
  const choose = async (page: Page) => jobs.row(page, number).click({ position: { x: 150, y: 30 } });
  await button(page, "Select").click();
  await choose(page);
  await expect(jobs.bar(page)).toContainText("1 job selected");
  await button(page, "Select").click();
  await expect(jobs.bar(page)).toHaveCount(0);
  await choose(page);
  await expect(page).toHaveURL(new RegExp(`/jobs/${number}$`));
});

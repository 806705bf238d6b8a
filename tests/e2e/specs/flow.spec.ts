// The flow that everything else serves: template → upload → submit → watch.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { config, dataset, trainScript } from "../files";
import { expect, test } from "../fixtures";
import { button, drop, job, upload, wizard } from "../hooks";

/** From the list of jobs to the step of that name. */
async function choose(page: Page, card: string): Promise<void> {
  await page.goto("/jobs");
  await button(page, "New Job").click();
  await expect(page).toHaveURL(/\/jobs\/new/);
  await wizard.card(page, card).click();
  await wizard.next(page).click();
}

/** From the review to the job's page; answers the job's number. */
async function submit(page: Page): Promise<string> {
  await wizard.submit(page).click();
  await expect(page.getByText("Job submitted successfully").first()).toBeVisible();
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  return new URL(page.url()).pathname.split("/").at(-1) ?? "";
}

for (const way of ["Select Files", "drag and drop"]) {
  test(`a job from a template with files by ${way} runs to its end while its output grows`, async ({
    signedIn: page,
    server,
  }) => {
    await choose(page, "PyTorch Training");
    await expect(page.getByText(/drag (&|and) drop/i).first()).toBeVisible();
    const files = [trainScript(12), way === "Select Files" ? dataset : config];
    if (way === "Select Files") {
      const chooser = page.waitForEvent("filechooser");
      await wizard.select(page).click();
      await (await chooser).setFiles(files);
    } else {
      await drop(wizard.dropzone(page), files);
    }
    await expect(wizard.group(page, "SCRIPT", 1)).toBeVisible();
    await expect(wizard.group(page, way === "Select Files" ? "DATA" : "CONFIG", 1)).toBeVisible();
    await upload(page);
    await wizard.next(page).click();

    const name = `e2e ${way}`.replaceAll(" ", "-").toLowerCase();
    await wizard.input(page, "job_name").fill(name);
    await wizard.input(page, "nodes").fill("1");
    await wizard.partition(page).selectOption({ index: 0 });
    const preview = page.waitForResponse((response) => response.url().endsWith("/api/jobs/preview"));
    await wizard.next(page).click();
    const { script } = await (await preview).json();
    await expect(wizard.review(page)).toHaveText(script, { useInnerText: false });
    expect(script).toContain("FILE_TRAIN_SCRIPT=");

    const number = await submit(page);
    const output = job.output(page);
    await expect(output).toContainText("line 1 of 12", { timeout: 30_000 });
    const early = (await output.innerText()).length;
    expect(await output.innerText()).not.toContain("the end");
    if (server.slurm) {
      const queue = execFileSync("squeue", ["-h", "-j", number, "-o", "%j %T"], {
        env: { ...process.env, ...server.slurm },
        encoding: "utf8",
      });
      expect(queue.trim()).toMatch(new RegExp(`^${name} (RUNNING|COMPLETING)$`));
    }
    await expect.poll(async () => (await output.innerText()).length).toBeGreaterThan(early);
    await expect(output).toContainText("the end", { timeout: 30_000 });
    await expect(job.state(page, "Completed")).toBeVisible({ timeout: 30_000 });

    if (server.slurm) {
      const record = execFileSync("scontrol", ["show", "job", number], {
        env: { ...process.env, ...server.slurm },
        encoding: "utf8",
      });
      expect(record).toContain("JobState=COMPLETED");
      const path = /StdOut=(.+)/.exec(record)?.[1] ?? "";
      expect(readFileSync(path, "utf8")).toContain("line 12 of 12");
    }
  });
}

test("a file over the limit is refused before it is sent", async ({ signedIn: page }) => {
  await choose(page, "PyTorch Training");
  // A File that claims its size: nobody has 60 GB to spare for this.
  const transfer = await page.evaluateHandle(() => {
    const file = new File(["x"], "huge.bin");
    Object.defineProperty(file, "size", { value: 60 * 1024 ** 3 });
    const transfer = new DataTransfer();
    transfer.items.add(file);
    Object.defineProperty(transfer, "files", { value: Object.assign([file], { item: () => file }) });
    return transfer;
  });
  await wizard.dropzone(page).evaluate((zone, transfer) => {
    const event = new DragEvent("drop", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "dataTransfer", { value: transfer });
    zone.dispatchEvent(event);
  }, transfer);
  if (await wizard.start(page).isVisible()) await wizard.start(page).click();
  await expect(page.getByText("File size exceeds maximum").first()).toBeVisible();
});

test("a custom job runs the script that was typed", async ({ signedIn: page }) => {
  await choose(page, "Custom Job");
  await wizard.next(page).click();
  await wizard.input(page, "job_name").fill("by-hand");
  await wizard.script(page).fill("#!/bin/bash\necho typed by hand\n");
  await wizard.next(page).click();
  await expect(wizard.review(page)).toContainText("echo typed by hand");
  await submit(page);
  await expect(job.output(page)).toContainText("typed by hand", { timeout: 30_000 });
  await expect(job.state(page, "Completed")).toBeVisible({ timeout: 30_000 });
});

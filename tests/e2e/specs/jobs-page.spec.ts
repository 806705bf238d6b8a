// A job's own page: why in both languages, its output as a person reads it, and from it to the next job.
import { submitScript } from "../api";
import { expect, test } from "../fixtures";
import { button, content, job, log, switchLanguage, wizard } from "../hooks";

test("why it failed is explained in both languages", async ({ signedIn: page, server, request }) => {
  const script = "echo 'no-such-program: command not found' >&2\nexit 127\n";
  const number = await submitScript(request, server, "explained", script);
  const answer = page.waitForResponse(async (response) => {
    if (!response.url().endsWith(`/api/jobs/${number}`)) return false;
    return (await response.json()).explanation != null;
  });
  await page.goto(`/jobs/${number}`);
  await expect(job.state(page, "Failed")).toBeVisible({ timeout: 30_000 });
  const { explanation } = await (await answer).json();
  const box = content(page).locator(".explanation");
  await expect(box).toContainText(explanation.en.what);
  await expect(box).toContainText(explanation.en.why);
  await switchLanguage(page);
  await expect(box).toContainText(explanation.ko.what);
  await expect(box).toContainText(explanation.ko.todo);
  expect(explanation.ko.what).toMatch(/[가-힣]/);
});

test("output is followed, paused, searched and wrapped", async ({ signedIn: page, server, request }) => {
  const script = [
    "for i in $(seq 1 400); do echo \"step $i of 400\"; done",
    "printf 'Needle one\\nprogress 10%%\\rprogress 99%%\\n'",
    "printf '\\033[31mred needle\\033[0m\\n'",
    "printf '%0300d\\n' 0",
    "for i in $(seq 1 600); do echo \"tick $i\"; sleep 0.2; done",
  ].join("\n");
  const number = await submitScript(request, server, "read-me", script);
  await page.goto(`/jobs/${number}`);
  const output = job.output(page);
  await expect(output).toContainText("tick 3", { timeout: 30_000 });

  // Carriage returns overwrite, colours become styles.
  await expect(output.locator(".log-line", { hasText: "progress" })).toHaveText("progress 99%");
  await expect(output.locator(".ansi-2")).toHaveText("red needle");

  // At the end, and stays there.
  const fromEnd = () => output.evaluate((frame) => frame.scrollHeight - frame.scrollTop - frame.clientHeight);
  await expect.poll(fromEnd).toBeLessThan(30);
  await expect(log.tool(page, "Follow")).toHaveAttribute("aria-pressed", "true");

  await log.tool(page, "Pause").click();
  const shown = await output.innerText();
  await expect(content(page).getByText(/Paused. [1-9]\d* new lines wait/)).toBeVisible();
  expect(await output.innerText()).toBe(shown);
  await log.tool(page, "Resume").click();
  await expect.poll(() => output.innerText()).not.toBe(shown);

  await log.search(page).fill("needle");
  await expect(content(page).locator(".log-count")).toHaveText("1 of 2");
  await expect(log.current(page)).toHaveText("Needle");
  await expect(log.current(page)).toBeInViewport();
  await expect(log.tool(page, "Follow")).toHaveAttribute("aria-pressed", "false");
  await log.search(page).press("Enter");
  await expect(content(page).locator(".log-count")).toHaveText("2 of 2");
  await expect(log.current(page)).toHaveText("needle");
  await content(page).getByRole("button", { name: "Previous match" }).click();
  await expect(content(page).locator(".log-count")).toHaveText("1 of 2");
  await log.search(page).fill("");
  await expect(log.current(page)).toHaveCount(0);

  const sideways = () => output.evaluate((frame) => frame.scrollWidth > frame.clientWidth);
  expect(await sideways()).toBe(false);
  await log.tool(page, "Wrap lines").click();
  await expect.poll(sideways).toBe(true);

  await log.tool(page, "Follow").click();
  await expect.poll(fromEnd).toBeLessThan(30);
  await output.evaluate((frame) => frame.scrollBy(0, -2000));
  await expect(log.tool(page, "Follow")).toHaveAttribute("aria-pressed", "false");
});

test("errors have a tab of their own, and the output can be saved", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "two-streams", "echo to-out\necho to-err >&2\n", {
    output: "out.txt",
    error: "err.txt",
  });
  await page.goto(`/jobs/${number}`);
  await expect(job.output(page)).toContainText("to-out", { timeout: 30_000 });
  await content(page).getByRole("link", { name: "Errors" }).click();
  await expect(page).toHaveURL(/output=stderr/);
  await expect(job.output(page)).toContainText("to-err");
  await expect(job.output(page)).not.toContainText("to-out");
  const saved = page.waitForEvent("download");
  await log.tool(page, "Download").click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await saved).createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe("to-err\n");
});

test("the beginning of a long output can be read as well", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "long", "seq -f 'line %g of the whole output' 1 20000\n");
  await page.goto(`/jobs/${number}`);
  await expect(job.output(page)).toContainText("line 20000 of", { timeout: 30_000 });
  const first = () => job.output(page).locator(".log-line").first().textContent();
  await page.reload();
  await expect(job.output(page)).toContainText("line 20000 of", { timeout: 30_000 });
  const before = await first();
  await content(page).getByRole("button", { name: "Load earlier" }).click();
  await expect.poll(first).not.toBe(before);
  const lines = await job.output(page).locator(".log-line").allTextContents();
  const places = lines.slice(1, -1).map((line) => Number(/^line (\d+) of the whole output$/.exec(line)?.[1]));
  expect(places.every((place, at) => at === 0 || place === places[at - 1] + 1)).toBe(true);
});

test("a job is submitted again with changes", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "once-more", 'echo "from the first: $FIRST_NAME"\n', {
    time: "00:20:00",
    memory: 256,
    environment: { FIRST_NAME: "some value" },
  });
  await page.goto(`/jobs/${number}`);
  await button(page, "Resubmit").click();
  await expect(content(page).getByText(`Filled in from job ${number}`)).toBeVisible();
  await expect(wizard.input(page, "job_name")).toHaveValue("once-more");
  await expect(wizard.input(page, "time")).toHaveValue("00:20:00");
  await expect(wizard.input(page, "memory")).toHaveValue("256M");
  await expect(wizard.script(page)).toHaveValue(/from the first/);
  await expect(page.locator('input[name="variable_value"]')).toHaveValue("some value");
  await wizard.input(page, "job_name").fill("twice");
  await wizard.next(page).click();
  await expect(wizard.review(page)).toContainText("from the first");
  await wizard.submit(page).click();
  await expect(page).toHaveURL(/\/jobs\/\d+$/);
  await expect(page).not.toHaveURL(new RegExp(`/jobs/${number}$`));
  await expect(content(page).getByRole("heading", { level: 1 })).toHaveText("twice");
  await expect(job.output(page)).toContainText("from the first: some value", { timeout: 30_000 });
});

test("after a break the output goes on from where it was", async ({ signedIn: page, server, request }) => {
  const asked: number[] = [];
  let cut = async () => {};
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const upstream = socket.connectToServer();
    cut = () => socket.close({ code: 1012, reason: "cut by the test" });
    socket.onMessage((message) => {
      const said = JSON.parse(String(message));
      if (said.action === "subscribe" && said.topic.startsWith("job-output:")) asked.push(said.from);
      upstream.send(message);
    });
  });
  const script = "for i in $(seq 1 100); do echo \"tick $i\"; sleep 0.3; done\n";
  const number = await submitScript(request, server, "goes-on", script);
  await page.goto(`/jobs/${number}`);
  await expect(job.output(page)).toContainText("tick 4", { timeout: 30_000 });
  const before = asked.length;
  await cut();
  await expect.poll(() => asked.length, { timeout: 15_000 }).toBeGreaterThan(before);
  expect(asked.at(-1)).toBeGreaterThanOrEqual("tick 1\ntick 2\ntick 3\n".length);
  await expect(job.output(page)).toContainText("tick 20", { timeout: 30_000 });
  const lines = (await job.output(page).locator(".log-line").allTextContents()).filter((line) => line !== "");
  expect(lines).toEqual(lines.map((_, at) => `tick ${at + 1}`));
});

test("a flood of rubbish does not hurt the page", async ({ signedIn: page, server, request }) => {
  const script = "head -c 20M /dev/urandom\nyes 'line after line' | head -c 60M\necho\necho the-very-end\n";
  const number = await submitScript(request, server, "flood", script);
  await page.goto(`/jobs/${number}`);
  await expect(job.output(page)).toContainText("the-very-end", { timeout: 60_000 });
  expect(await job.output(page).locator(".log-line").count()).toBeLessThanOrEqual(10_001);
  // It still answers to the person.
  await log.search(page).fill("very-end");
  await expect(log.current(page)).toHaveText("very-end");
  await page.reload();
  await expect(job.output(page)).toContainText("the-very-end", { timeout: 30_000 });
});

test("the time limit is changed on the job's page", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "too-generous", "sleep 600\n", { time: "01:00:00" });
  await page.goto(`/jobs/${number}`);
  await expect(job.state(page, "Running")).toBeVisible({ timeout: 30_000 });
  await button(page, "More").click();
  await page.getByRole("menuitem", { name: "Change time limit…" }).click();
  const dialog = page.getByRole("dialog");
  const limit = dialog.getByLabel("New time limit");
  await expect(limit).toHaveValue("1:00:00");
  await limit.fill("soon");
  await expect(dialog.getByRole("button", { name: "Set time limit" })).toBeDisabled();
  await limit.fill("00:30:00");
  await limit.press("Enter");
  await expect(page.locator(".toast", { hasText: `Job ${number} is changed` })).toBeVisible();
  await expect(content(page).locator(".facts dd").getByText("30:00", { exact: true })).toBeVisible();
});

test("an array's page acts on the whole array", async ({ signedIn: page, server, request }) => {
  const number = await submitScript(request, server, "all-of-it", "sleep 600\n", { array: "0-5%2" });
  await page.goto(`/jobs/${number}`);
  await expect(content(page).locator(".strip").getByRole("link", { name: /2\s*Running/ })).toBeVisible({ timeout: 30_000 });
  await job.cancel(page).click();
  await job.confirm(page).click();
  await expect(content(page).locator(".strip").getByRole("link", { name: /6\s*Cancelled/ })).toBeVisible({ timeout: 30_000 });
});

test("what the server refuses is said at its field, also among the folded ones", async ({ signedIn: page }) => {
  await page.goto("/jobs/new");
  await wizard.card(page, "Custom Job").click();
  await wizard.next(page).click();
  await wizard.next(page).click();
  await wizard.script(page).fill("#!/bin/bash\ntrue\n");
  await button(page, "More settings").click();
  await wizard.input(page, "dependency").fill("whenever");
  await wizard.next(page).click();
  await expect(content(page).getByText("The job can’t be submitted like this")).toBeVisible();
  await button(page, "Change the settings").click();
  await expect(wizard.input(page, "dependency")).toHaveAttribute("aria-invalid", "true");
  await wizard.input(page, "dependency").fill("singleton");
  await expect(wizard.input(page, "dependency")).not.toHaveAttribute("aria-invalid", "true");
  await wizard.next(page).click();
  await expect(wizard.review(page)).toContainText("--dependency=singleton");
  await expect(content(page).getByText(/^Slurm would (start|accept)/).first()).toBeVisible();
});

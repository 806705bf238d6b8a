// Every page as people see it: no accessibility violation in light or dark, and pictures to look at in
// artefacts/<page>-<light|dark|phone|korean>.png.
import AxeBuilder from "@axe-core/playwright";
import type { APIRequestContext, Page } from "@playwright/test";
import { call, person, submitScript, tokenOf } from "../api";
import { config, trainScript } from "../files";
import { expect, test } from "../fixtures";
import { button, dialog, drop, job, jobs, log, row, settled, signIn, switchLanguage, upload, wizard } from "../hooks";
import type { Server } from "../servers";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

type Visit = (page: Page, server: Server, request: APIRequestContext) => Promise<void>;

const signedIn =
  (visit: Visit): Visit =>
  async (page, server, request) => {
    await signIn(page, server);
    await visit(page, server, request);
  };

const at = (path: string) => signedIn(async (page) => void (await page.goto(path)));

/** The wizard's steps, each from the one before. */
const toTemplate: Visit = async (page) => void (await page.goto("/jobs/new"));
const toFiles: Visit = async (page, server, request) => {
  await toTemplate(page, server, request);
  await wizard.card(page, "PyTorch Training").click();
  await wizard.next(page).click();
  await drop(wizard.dropzone(page), [trainScript(2), config]);
  await expect(wizard.group(page, "SCRIPT", 1)).toBeVisible();
};
const toUploaded: Visit = async (page, server, request) => {
  await toFiles(page, server, request);
  await upload(page);
};
const toSettings: Visit = async (page, server, request) => {
  await toUploaded(page, server, request);
  await wizard.next(page).click();
  await wizard.input(page, "job_name").fill("first-training");
};
const toReview: Visit = async (page, server, request) => {
  await toSettings(page, server, request);
  await wizard.next(page).click();
  await expect(wizard.review(page)).toContainText("FILE_TRAIN_SCRIPT");
};

/** Some jobs in different states, so that lists have something to show. */
const withJobs =
  (path: string): Visit =>
  async (page, server, request) => {
    await submitScript(request, server, "mesh-preparation", "echo done\n");
    await submitScript(request, server, "solver-check", "echo diverged >&2\nexit 2\n");
    await submitScript(request, server, "night-run", "echo step 1\nsleep 300\n");
    await page.goto(path);
    await expect(page.getByText("night-run").first()).toBeVisible();
  };

/** An array in which one task has failed. */
const submitArray = (request: APIRequestContext, server: Server) => {
  const script = 'if [ "$SLURM_ARRAY_TASK_ID" = 3 ]; then exit 3; fi\nsleep 300\n';
  return submitScript(request, server, "parameter-study", script, { array: "0-19%8" });
};

const PAGES: Record<string, Visit> = {
  login: async (page) => void (await page.goto("/login")),
  dashboard: signedIn(withJobs("/dashboard")),
  jobs: signedIn(withJobs("/jobs")),
  "jobs-chosen": signedIn(async (page, server, request) => {
    const array = await submitArray(request, server);
    const number = await submitScript(request, server, "night-run", "sleep 300\n");
    await page.goto(`/jobs?open=${array}`);
    await jobs.box(page, number).check();
    await expect(jobs.row(page, `${array}_3`).locator(".pill")).toHaveText("Failed", { timeout: 30_000 });
    await jobs.box(page, array).check();
    await expect(jobs.bar(page)).toBeVisible();
  }),
  "job-array": signedIn(async (page, server, request) => {
    const array = await submitArray(request, server);
    await page.goto(`/jobs/${array}`);
    await expect(jobs.row(page, `${array}_3`).or(page.locator(`a[href="/jobs/${array}_3"]`)).first()).toBeVisible();
  }),
  "job-searched": signedIn(async (page, server, request) => {
    const script = "for i in $(seq 1 200); do echo \"step $i\"; done\nsleep 300\n";
    const number = await submitScript(request, server, "searched", script);
    await page.goto(`/jobs/${number}`);
    await expect(job.output(page)).toContainText("step 200", { timeout: 30_000 });
    await log.search(page).fill("step 19");
    await expect(log.current(page)).toBeVisible();
    await page.getByText("Everything Slurm says").click();
    await button(page, "More").click();
  }),
  "wizard-3-again": signedIn(async (page, server, request) => {
    const number = await submitScript(request, server, "again", "echo again\n", { environment: { A: "1" } });
    await page.goto(`/jobs/new?from=${number}`);
    await expect(page.locator('input[name="variable_value"]')).toBeVisible();
  }),
  job: signedIn(async (page, server, request) => {
    const number = await submitScript(request, server, "counting", "echo one\necho two\nsleep 300\n");
    await page.goto(`/jobs/${number}`);
    await expect(job.output(page)).toContainText("two", { timeout: 30_000 });
  }),
  "job-failed": signedIn(async (page, server, request) => {
    const number = await submitScript(request, server, "failing", "echo no such mesh >&2\nexit 2\n");
    await page.goto(`/jobs/${number}`);
    await expect(job.state(page, "Failed")).toBeVisible({ timeout: 30_000 });
  }),
  "wizard-1-template": signedIn(toTemplate),
  "wizard-2-files": signedIn(toFiles),
  "wizard-2-uploaded": signedIn(toUploaded),
  "wizard-3-settings": signedIn(toSettings),
  "wizard-4-review": signedIn(toReview),
  nodes: at("/nodes"),
  templates: at("/templates"),
  profile: at("/profile"),
  "profile-keys": signedIn(async (page, server, request) => {
    const token = await tokenOf(request, server);
    for (const [name, expires_in_days] of [["nightly export", 365], ["ci runner", 3]]) {
      const key = { name, permissions: ["job:view", "job:submit"], expires_in_days };
      await call(request, token, "POST", "/api/v2/api-keys", key);
    }
    await page.goto("/profile?tab=keys");
    await expect(row(page, "ci runner").first()).toBeVisible();
  }),
  "profile-key-new": signedIn(async (page) => {
    await page.goto("/profile?tab=keys");
    await button(page, "Create New Key").click();
    await button(dialog(page), "Create key").click();
    await expect(dialog(page).getByText("Give it a name.")).toBeVisible();
  }),
  "profile-key-made": signedIn(async (page) => {
    await page.goto("/profile?tab=keys");
    await button(page, "Create New Key").click();
    await dialog(page).locator('input[name="name"]').fill("workstation");
    await dialog(page).getByLabel("See jobs and their output").check();
    await button(dialog(page), "Create key").click();
    await expect(page.locator('input[name="api_key"]')).toBeVisible();
  }),
  "profile-password": at("/profile?tab=password"),
  "profile-preferences": at("/profile?tab=preferences"),
  "admin-users": signedIn(async (page, server, request) => {
    await person(request, server, ["viewer"]);
    const { id } = await person(request, server);
    await call(request, await tokenOf(request, server), "PATCH", `/api/v2/users/${id}`, { is_active: false });
    await page.goto("/admin/users");
    await expect(row(page, "Disabled").first()).toBeVisible();
  }),
  "admin-user": signedIn(async (page, server, request) => {
    const somebody = await person(request, server, ["user", "operator"]);
    const token = await tokenOf(request, somebody);
    const key = { name: "ci runner", permissions: ["job:view"], expires_in_days: 3 };
    await call(request, token, "POST", "/api/v2/api-keys", key);
    await page.goto(`/admin/users/${somebody.id}`);
    await expect(row(page, "ci runner")).toBeVisible();
  }),
  "admin-user-new": signedIn(async (page) => {
    await page.goto("/admin/users");
    await button(page, "New User").click();
    await expect(dialog(page).getByLabel("operator")).toBeVisible();
  }),
  "admin-roles": at("/admin/roles"),
  "admin-audit": signedIn(async (page) => {
    await page.goto("/admin/audit");
    await page.locator("main summary").first().click();
    await expect(page.getByText("Hash of the row before").first()).toBeVisible();
  }),
  "admin-events": signedIn(async (page, server, request) => {
    await request.get("/api/jobs", { headers: { "X-API-Key": "sk_live_nobodys" } });
    await expect(async () => {
      await page.goto("/admin/events");
      await expect(row(page, "Invalid API key").first()).toBeVisible({ timeout: 1_000 });
    }).toPass();
  }),
  forbidden: async (page, server, request) => {
    await signIn(page, await person(request, server, ["viewer"]));
    await page.goto("/admin/audit");
    await expect(page.getByText("This page is not for you")).toBeVisible();
  },
  gallery: at("/gallery"),
  "not-found": at("/no/such/page"),
};

test.use({ contextOptions: { reducedMotion: "reduce" } });

for (const [name, visit] of Object.entries(PAGES)) {
  test(`${name} is accessible and can be looked at`, async ({ page, server, request }) => {
    await visit(page, server, request);
    await settled(page);
    const picture = async (variant: string) => {
      // What sticks to the window would stand in the middle of the page otherwise.
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: `artefacts/${name}-${variant}.png`, fullPage: true, animations: "disabled" });
    };

    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await picture(colorScheme);
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
      );
      expect.soft(found, `${name} in ${colorScheme}`).toEqual([]);
    }

    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 390, height: 844 });
    await picture("phone");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect.soft(wide, "nothing sticks out sideways on a phone").toBeLessThanOrEqual(390);

    await page.setViewportSize({ width: 1280, height: 800 });
    // Behind a dialog the switch is out of reach, and the dialog has no page of its own to come back to.
    if (await page.locator("dialog[open]").count()) return;
    await switchLanguage(page);
    await settled(page);
    await picture("korean");
  });
}

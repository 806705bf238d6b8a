// The one place that knows how the pages are marked up. Words and attributes that other programs rely on too stand first
// in each expression; where the design is free, the accessible role is used.
import { expect, type Locator, type Page } from "@playwright/test";

export interface Account {
  username: string;
  password: string;
}

export const login = {
  username: (page: Page) => page.locator('input[name="username"]'),
  password: (page: Page) => page.locator('input[name="password"]'),
  submit: (page: Page) => page.locator('button[type="submit"]'),
};

/** Fills in and sends the login form that is shown. */
export async function enter(page: Page, { username, password }: Account): Promise<void> {
  await login.username(page).fill(username);
  await login.password(page).fill(password);
  await login.submit(page).click();
}

/** The login page, come to by itself because the session is over. */
export async function expectEnded(page: Page, within = 5_000): Promise<void> {
  await expect(page).toHaveURL(/\/login/, { timeout: within });
  await expect(page.getByText("Your session has ended")).toBeVisible();
}

/** Signs in as a person does, which also leaves behind what the page keeps for the next visit. */
export async function signIn(page: Page, account: Account): Promise<void> {
  await page.goto("/login");
  await enter(page, account);
  await expect(page).toHaveURL(/\/dashboard$/);
}

/** A link of the navigation. */
export const link = (page: Page, path: string) => page.locator(`a[href="${path}"]`).first();

/** A button or something that looks and works like one. */
export const button = (page: Page | Locator, name: string | RegExp) =>
  page.getByRole("button", { name, exact: true }).or(page.getByRole("link", { name, exact: true })).first();

/** What is asked now. */
export const dialog = (page: Page) => page.getByRole("dialog");

export const toast = (page: Page, text: string | RegExp) => page.locator(".toast", { hasText: text });

/** A row of a table that says this. */
export const row = (page: Page, text: string | RegExp) => page.locator("main tbody tr", { hasText: text });

/** The page's own part, without navigation. */
export const content = (page: Page) => page.locator("main");

export const wizard = {
  card: (page: Page, name: string) => content(page).getByText(name, { exact: true }).first(),
  next: (page: Page) => button(page, "Next"),
  dropzone: (page: Page) => page.getByTestId("dropzone"),
  select: (page: Page) => page.getByText("Select Files").first(),
  start: (page: Page) => button(page, "Start Upload"),
  group: (page: Page, kind: string, count: number) =>
    page.getByRole("heading", { name: `${kind} Files (${count})`, exact: true }),
  progress: (page: Page) => content(page).getByRole("progressbar"),
  completed: (page: Page) => content(page).getByText("Upload completed"),
  /** Offered for a file whose name an earlier upload has. */
  replace: (page: Page) => content(page).getByRole("button", { name: "Replace it" }),
  input: (page: Page, name: string) => page.locator(`input[name="${name}"]`),
  partition: (page: Page) => page.locator('select[name="partition"]'),
  /** The script of a custom job, typed by hand. */
  script: (page: Page) => page.locator('textarea[name="script"]'),
  /** The script that is going to be submitted. */
  review: (page: Page) => content(page).locator("pre code").first(),
  submit: (page: Page) => button(page, "Submit Job"),
};

export const job = {
  /** Where it runs to: the state's word, as the list and the page write it. */
  state: (page: Page, word: string) => content(page).locator(".pill", { hasText: word }).first(),
  output: (page: Page) => page.getByRole("log"),
  cancel: (page: Page) => content(page).getByRole("button", { name: /^Cancel job \d+$/ }).first(),
  /** The dialog's button that means it. */
  confirm: (page: Page) => page.getByRole("dialog").getByRole("button", { name: /^Cancel job \d+$/ }),
};

export const jobs = {
  /** The link of a job's row. */
  link: (page: Page, id: number | string) => content(page).locator(`.row-link[href="/jobs/${id}"]`),
  row: (page: Page, id: number | string) => content(page).locator(`tr[data-key="${id}"]`),
  box: (page: Page, id: number | string) => jobs.row(page, id).getByRole("checkbox"),
  chosen: (page: Page) => content(page).locator("tr[data-chosen]"),
  bar: (page: Page) => page.getByRole("toolbar", { name: "What to do with the selected jobs" }),
  toast: (page: Page, text: string | RegExp) => page.locator(".toast", { hasText: text }),
};

export const log = {
  search: (page: Page) => page.locator('input[name="log_search"]'),
  current: (page: Page) => page.locator(".log-line mark[data-current]"),
  tool: (page: Page, name: string) => content(page).locator(".log-tools").getByRole("button", { name }),
};

/** Sends the chosen files, in place of what an earlier test sent under the same names. */
export async function upload(page: Page): Promise<void> {
  await wizard.start(page).click();
  await expect(wizard.progress(page).first()).toBeVisible();
  await expect(async () => {
    for (const offer of await wizard.replace(page).all()) await offer.click({ timeout: 1_000 });
    await expect(wizard.completed(page).first()).toBeVisible({ timeout: 1_000 });
    await expect(wizard.replace(page)).toHaveCount(0, { timeout: 100 });
  }).toPass({ timeout: 60_000 });
}

/** Drops files from the desktop onto an element. */
export async function drop(target: Locator, files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  const transfer = await target.page().evaluateHandle(
    (files) => {
      const transfer = new DataTransfer();
      for (const { name, mimeType, content } of files) {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: mimeType }));
      }
      return transfer;
    },
    files.map(({ name, mimeType, buffer }) => ({ name, mimeType, content: buffer.toString("base64") })),
  );
  for (const type of ["dragenter", "dragover", "drop"]) await target.dispatchEvent(type, { dataTransfer: transfer });
}

/** Waits until nothing on the page is still being loaded. */
export async function settled(page: Page): Promise<void> {
  await expect(content(page)).toBeVisible();
  // The gallery shows these on purpose.
  if (!page.url().endsWith("/gallery")) await expect(page.locator("[aria-busy=true], .skeleton")).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

/** From English to Korean, on whatever page that is. */
export async function switchLanguage(page: Page): Promise<void> {
  await page.getByRole("button", { name: /한국어/ }).first().click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ko");
}

// What every test gets: a dashboard of its worker's own, and a page that is signed in.
import { test as base, expect, type Page } from "@playwright/test";
import { signIn } from "./hooks";
import { type Server, withServer } from "./servers";

export { expect };

export const test = base.extend<{ signedIn: Page; reachable: void }, { server: Server }>({
  server: [
    async ({}, use, worker) => {
      await withServer(worker.project.name, use);
    },
    { scope: "worker", timeout: 120_000 },
  ],

  baseURL: async ({ server }, use) => {
    await use(server.url || undefined);
  },

  reachable: [
    async ({ server }, use, testInfo) => {
      testInfo.skip(server.unavailable !== undefined, server.unavailable);
      await use();
    },
    { auto: true },
  ],

  signedIn: async ({ page, server, reachable: _ }, use) => {
    await signIn(page, server);
    await use(page);
  },
});

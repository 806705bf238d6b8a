// Browser tests against the built program. `cargo xtask test e2e` runs them and sets
//   SLURMDASH    the program (with the UI inside)
//   CHROME_PATH  the browser
// There is one project a cluster: `sim` is the program's own demo, `slurm` a real one from tests/cluster/slurm.sh.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "specs",
  outputDir: "test-results/files",
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  workers: 2,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["list"], ["json"]],
  use: {
    locale: "en-US",
    colorScheme: "light",
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROME_PATH ?? "/usr/bin/chromium",
      args: [
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "sim" },
    // What depends on Slurm; what is the same on every cluster is looked at once.
    { name: "slurm", workers: 1, fullyParallel: false, testMatch: /(flow|jobs|dashboard)\.spec\.ts/ },
  ],
});

// Starts and ends the programs that the tests talk to: the dashboard, and for the project `slurm` a real cluster.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "@playwright/test";

const ROOT = join(import.meta.dirname, "../..");

/** A dashboard that listens. */
export interface Server {
  url: string;
  username: string;
  password: string;
  /** Settings with which Slurm's own commands reach the cluster; absent on the simulated one. */
  slurm?: Record<string, string>;
  /** Where a file with its name takes a controller of the simulated cluster away; absent on a real one. */
  away?: string;
  /** Why there is none; nothing else is true then. */
  unavailable?: string;
}

/** Runs `use` with a server on the cluster of that name, and takes everything away afterwards. */
export async function withServer(cluster: string, use: (server: Server) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `slurmdash-e2e-${cluster}-`));
  try {
    if (cluster === "sim") {
      const demo = join(folder, "demo");
      const away = join(demo, "simulated-cluster/away");
      await withDashboard(["--demo", "--dir", demo], folder, {}, (server) => use({ ...server, away }));
    } else {
      await withSlurm(folder, use);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withSlurm(folder: string, use: (server: Server) => Promise<void>): Promise<void> {
  const script = join(ROOT, "tests/cluster/slurm.sh");
  const port = process.env.SLURMDASH_CLUSTER_PORT ?? "17600";
  const where = { SLURMDASH_CLUSTER_DIR: join(folder, "cluster"), SLURMDASH_CLUSTER_PORT: port };
  const slurm = (...words: string[]) =>
    promisify(execFile)("sh", [script, ...words], { env: { ...process.env, ...where } });
  // People with accounts of their own pass through it to their homes.
  chmodSync(folder, 0o711);
  try {
    await slurm("up", "4", "--people", "--accounting");
  } catch (error) {
    const { code, stderr } = error as { code: unknown; stderr: string };
    if (code !== 77) throw error;
    const reason = stderr.trim().split("\n").at(-1) ?? "no real cluster";
    await use({ url: "", username: "", password: "", unavailable: reason });
    return;
  }
  try {
    const { stdout } = await slurm("env");
    const slurmConf = /SLURM_CONF='([^']*)'/.exec(stdout)?.[1];
    if (!slurmConf) throw new Error(`slurm.sh env says no SLURM_CONF: ${stdout}`);
    const settings = { SLURM_CONF: slurmConf };
    await withDashboard(["--data-dir", join(folder, "data")], folder, settings, (server) =>
      use({ ...server, slurm: settings }),
    );
  } finally {
    await slurm("down");
  }
}

async function withDashboard(
  how: string[],
  folder: string,
  settings: Record<string, string>,
  use: (server: Server) => Promise<void>,
): Promise<void> {
  const program = process.env.SLURMDASH;
  if (!program) throw new Error("SLURMDASH names no program; run this with `cargo xtask test e2e`");
  const ready = join(folder, "ready.json");
  const dashboard = spawn(program, ["serve", ...how, "--listen", "127.0.0.1:0", "--ready-file", ready], {
    // The tests ask faster than people.
    env: { ...process.env, SLURMDASH_LIMITS__ENABLED: "false", ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  dashboard.stderr.on("data", (text) => {
    said = `${said}${text}`.slice(-8000);
  });
  try {
    await expect
      .poll(() => existsSync(ready) || dashboard.exitCode !== null, { timeout: 60_000, intervals: [20] })
      .toBe(true);
    if (!existsSync(ready)) throw new Error(`slurmdash ended before it listened:\n${said}`);
    await use(JSON.parse(readFileSync(ready, "utf8")));
  } finally {
    await end(dashboard);
  }
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const gone = once(program, "exit");
  program.kill("SIGTERM");
  await gone;
}

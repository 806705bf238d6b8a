// Calls that prepare what a test wants to see; what a test is about goes through the page.
import { type APIRequestContext, expect } from "@playwright/test";
import type { Account } from "./hooks";

/** Submits a script with what else is asked for; answers the job's number. */
export async function submitScript(
  request: APIRequestContext,
  { username, password }: Account,
  name: string,
  script: string,
  more: Record<string, unknown> = {},
): Promise<number> {
  const login = await request.post("/api/auth/login", { data: { username, password } });
  expect(login.ok(), await login.text()).toBe(true);
  const { access_token: token } = await login.json();
  const submitted = await request.post("/api/jobs/submit", {
    headers: { Authorization: `Bearer ${token}` },
    data: { job_name: name, script: `#!/bin/bash\n${script}`, ...more },
  });
  expect(submitted.status(), await submitted.text()).toBe(201);
  const { job_id: number } = await submitted.json();
  return number;
}

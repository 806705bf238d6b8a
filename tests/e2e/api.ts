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

/** Signs in as a program does, in a session of its own; answers the access token. */
export async function tokenOf(request: APIRequestContext, { username, password }: Account): Promise<string> {
  const login = await request.post("/api/auth/login", { data: { username, password } });
  expect(login.ok(), await login.text()).toBe(true);
  return (await login.json()).access_token;
}

/** A call with somebody's token; answers what it says. */
export async function call(
  request: APIRequestContext,
  token: string,
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  data?: unknown,
) {
  const answer = await request.fetch(path, { method, data, headers: { Authorization: `Bearer ${token}` } });
  expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
  return answer.json();
}

export interface Person extends Account {
  id: string;
}

let people = 0;

/** An account of its own for a test, so that what happens to it is nobody else's business. */
export async function person(request: APIRequestContext, admin: Account, roles = ["user"]): Promise<Person> {
  const token = await tokenOf(request, admin);
  const username = `person${process.pid}-${++people}`;
  const password = "correct horse battery staple";
  const { user } = await call(request, token, "POST", "/api/v2/users", { username, password, roles });
  return { id: user.id, username, password };
}

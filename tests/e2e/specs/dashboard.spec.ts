import { expect, test } from "../fixtures";
import { content } from "../hooks";

test("the dashboard shows the cluster as it is", async ({ signedIn: page }) => {
  const answer = await page.waitForResponse((response) => response.url().endsWith("/api/cluster"));
  const cluster = await answer.json();
  await expect(page.getByText(cluster.name, { exact: true }).first()).toBeVisible();
  await expect(content(page).getByText(/cores/i).first()).toBeVisible();
  await expect(content(page).getByText(/running/i).first()).toBeVisible();
});

test("every node is there, with its state in words", async ({ signedIn: page, server }) => {
  await page.goto("/nodes");
  const nodes = server.slurm ? ["node001", "node004"] : ["node001", "viz001"];
  for (const node of nodes) await expect(content(page).getByText(new RegExp(node)).first()).toBeVisible();
  // The filter has the same words, hidden in its list.
  await expect(content(page).getByText(/idle/i).filter({ visible: true }).first()).toBeVisible();
});

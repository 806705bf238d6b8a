// node styles.mjs ENTRY OUT: bundles a style sheet with everything it imports, and minifies it.
import { writeFileSync } from "node:fs";
import { bundle } from "lightningcss";

// The browsers that the UI is written for: two years old at most.
const targets = { chrome: 120 << 16, firefox: 121 << 16, safari: 17 << 16 };
const [entry, out] = process.argv.slice(2);
const { code, warnings } = bundle({ filename: entry, minify: true, targets });
for (const { message, loc } of warnings) {
  console.error(`${loc.filename}:${loc.line}:${loc.column}: ${message}`);
}
if (warnings.length > 0) process.exit(1);
writeFileSync(out, code);

// Parses formulas strictly: a JSON list on stdin, one message per refused formula on stdout, as JSON.
// The path of the KaTeX package comes as the first argument.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const katex = createRequire(import.meta.url)(process.argv[2]);
const formulas = JSON.parse(readFileSync(0, "utf8"));
const refused = [];
for (const formula of formulas) {
  try {
    katex.renderToString(formula, { throwOnError: true, strict: "error", displayMode: true, trust: false });
  } catch (error) {
    refused.push(`${formula}: ${error.message}`);
  }
}
process.stdout.write(JSON.stringify(refused));

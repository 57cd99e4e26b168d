// Generates the protobuf stubs in src/gen from the contract in proto/.
// With --check nothing is written; exits with 1 when the stubs do not match.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const contract = fileURLToPath(new URL("../../../proto", import.meta.url));
const committed = join(root, "src", "gen");
const tool = (name) => join(root, "node_modules", ".bin", name);

const made = mkdtempSync(join(tmpdir(), "everturn-stubs-"));
try {
  generate(made);
  if (!process.argv.includes("--check")) {
    rmSync(committed, { recursive: true, force: true });
    cpSync(made, committed, { recursive: true });
  } else if (describe(made) !== describe(committed)) {
    console.error("src/gen does not match proto/: run `npm run generate`");
    process.exitCode = 1;
  }
} finally {
  rmSync(made, { recursive: true, force: true });
}

function generate(out) {
  const template = {
    version: "v2",
    plugins: [
      {
        local: tool("protoc-gen-es"),
        out,
        opt: ["target=ts", "import_extension=js"],
      },
    ],
  };
  const args = ["generate", contract, "--template", JSON.stringify(template)];
  const { status, error } = spawnSync(tool("buf"), args, { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function describe(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  return JSON.stringify(files.map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]));
}

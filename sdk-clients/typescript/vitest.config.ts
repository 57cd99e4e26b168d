// Tests: everything in tests/, in one process so that two cores suffice.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/**/*.test.ts"], fileParallelism: false, pool: "forks", testTimeout: 10_000 },
});

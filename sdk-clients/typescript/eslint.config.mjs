// Lint rules: everything that typescript-eslint has with types, less what fights plain code.
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist", "src/gen", "node_modules"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "off",
      // Generic results are how `ctx.activity<Order>("name")` is read.
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      // void is a type argument here: activities without input or result.
      "@typescript-eslint/no-invalid-void-type": "off",
      // Writing `["NAME"]` for index signatures is what tsc asks for.
      "@typescript-eslint/dot-notation": "off",
      // Empty texts count as absent in many places of the protocol.
      "@typescript-eslint/prefer-nullish-coalescing": ["error", { ignorePrimitives: { string: true } }],
      "@typescript-eslint/no-empty-function": "off",
      "max-lines": ["error", 400],
      "no-console": "error",
    },
  },
  {
    files: ["tests/**/*.ts"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/require-await": "off",
      // Tests write wire values by number, and code that must not compile.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/unbound-method": "off",
      "max-lines": "off",
    },
  },
);

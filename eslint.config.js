import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

const tests = ["packages/testkit/src/**/*.ts", "packages/*/test/**/*.ts", "test/src/**/*.ts"];

export default tseslint.config(
  { ignores: ["**/dist/**", "**/coverage/**", "data/**"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        // The first program that has a file is asked, and making one takes half a minute: that of the tests has nearly all of them.
        project: ["tsconfig.tests.json", "packages/*/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/unified-signatures": "off",
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      complexity: ["error", 20],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  { files: tests, rules: { "max-lines": ["error", 600], "no-console": "off" } },
  {
    files: ["**/*.js", "**/*.mjs", "**/*.cjs"],
    languageOptions: {
      globals: {
        AbortSignal: "readonly",
        URL: "readonly",
        console: "readonly",
        fetch: "readonly",
        module: "writable",
        process: "readonly",
      },
    },
  },
);

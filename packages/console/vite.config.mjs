import { fileURLToPath } from "node:url";

/** For `npx vite` beside a registry: `REGISTRY=http://localhost:5000 npm run dev -w @longshore/console`. */
const registry = process.env.REGISTRY ?? "http://localhost:5000";

export default {
  root: fileURLToPath(new URL(".", import.meta.url)),
  // Everything is relative to the page, which is served below any prefix.
  base: "./",
  // The registry serves the files below `_console/`, beside the page.
  experimental: {
    renderBuiltUrl: (file, { hostType }) => (hostType === "html" ? `./_console/${file}` : { relative: true }),
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    // The compiler's declarations are there, too.
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What the first page needs is one script: each further one costs a slow processor as much as some of its work.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "index", tags: ["$initial"] }] } } },
    license: { fileName: "licenses.md" },
  },
  server: { proxy: { "/v2": registry, "/_console": registry } },
};

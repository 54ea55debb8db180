import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const here = import.meta.dirname;
const RULE = "virtual:rule";

/**
 * Puts the rule, as scripts/pages compiled it, among the assets: compressed, with its
 * hash in its name. `import rule from "virtual:rule"` is where it is served.
 */
function rule(): Plugin {
	const wasm = () => readFileSync(resolve(here, "playground/built/rule.wasm"));
	const name = () => `assets/rule-${createHash("sha256").update(wasm()).digest("hex").slice(0, 8)}.wasm`;
	return {
		name: "rule",
		resolveId: (id) => (id === RULE ? `\0${RULE}` : undefined),
		load: (id) => (id === `\0${RULE}` ? `export default ${JSON.stringify(`/${name()}`)};` : undefined),
		generateBundle() {
			this.emitFile({ type: "asset", fileName: `${name()}.gz`, source: gzipSync(wasm(), { level: 9 }) });
		},
	};
}

export default defineConfig({
	root: here,
	publicDir: false,
	plugins: [svelte(), rule()],
	resolve: {
		alias: {
			"@rollcall/sdk": resolve(here, "sdk/src/index.ts"),
			"@rollcall/design": resolve(here, "design/index.ts"),
		},
	},
	build: {
		outDir: "dist",
		emptyOutDir: true,
		target: "es2022",
		assetsInlineLimit: 0, // what is inline would need a weaker Content-Security-Policy
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		rolldownOptions: { input: { demo: resolve(here, "index.html"), playground: resolve(here, "playground.html") } },
	},
});

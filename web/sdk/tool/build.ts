// Builds dist/rollcall.js. Run by scripts/web.
import { build } from "esbuild";

await build({
	entryPoints: ["src/index.ts"],
	outfile: "dist/rollcall.js",
	bundle: true,
	minify: true,
	format: "esm",
	target: "es2022",
	charset: "utf8",
	legalComments: "inline",
	banner: { js: "// Rollcall in the browser: made from web/sdk by scripts/web." },
});

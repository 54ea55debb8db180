// A browser as people have it: with a profile of its own, and nothing that Playwright
// would emulate, so that a tab in the background is really one.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContext } from "playwright-core";
import { chromiumHere } from "./stand.ts";

export class Profile {
	readonly context: BrowserContext;
	private readonly browser: Browser;
	private readonly process: ChildProcess;
	private readonly dir: string;

	private constructor(browser: Browser, process: ChildProcess, dir: string) {
		this.browser = browser;
		this.process = process;
		this.dir = dir;
		this.context = browser.contexts()[0]!;
	}

	/** Starts a browser, with what its settings pages would write. */
	static async start(preferences: object = {}): Promise<Profile> {
		const dir = mkdtempSync(join(tmpdir(), "rollcall-profile-"));
		mkdirSync(join(dir, "Default"));
		writeFileSync(join(dir, "Default", "Preferences"), JSON.stringify(preferences));
		const args = ["--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--remote-debugging-port=0", `--user-data-dir=${dir}`, "about:blank"];
		const process = spawn(chromiumHere(), args, { stdio: ["ignore", "ignore", "pipe"] });
		const address = await new Promise<string>((go, fail) => {
			createInterface(process.stderr).on("line", (line) => {
				const found = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
				if (found) go(found);
			});
			process.once("exit", (code) => fail(new Error(`Chromium ended with ${code}`)));
		});
		return new Profile(await chromium.connectOverCDP(address, { noDefaults: true }), process, dir);
	}

	async end(): Promise<void> {
		const gone = new Promise((go) => this.process.once("exit", go));
		const devtools = await this.browser.newBrowserCDPSession();
		await Promise.all([gone, devtools.send("Browser.close").catch(() => {})]);
		rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	}
}

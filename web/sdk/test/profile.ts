// A browser as people have it: with a profile of its own, and nothing that Playwright
// would emulate, so that a tab in the background is really one.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

export class Profile {
	readonly context: BrowserContext;
	private readonly browser: Browser;
	private readonly process: ChildProcess;
	private readonly dir: string;

	private constructor(browser: Browser, child: ChildProcess, dir: string) {
		this.browser = browser;
		this.process = child;
		this.dir = dir;
		this.context = browser.contexts()[0]!;
		process.on("exit", this.kill);
	}

	/** Starts a browser by its program, with what its settings pages would write. */
	static async start(program: string, preferences: object = {}, ...flags: string[]): Promise<Profile> {
		const dir = mkdtempSync(join(tmpdir(), "rollcall-profile-"));
		mkdirSync(join(dir, "Default"));
		writeFileSync(join(dir, "Default", "Preferences"), JSON.stringify(preferences));
		const args = ["--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--remote-debugging-port=0", `--user-data-dir=${dir}`, ...flags, "about:blank"];
		const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
		const address = await new Promise<string>((go, fail) => {
			createInterface(child.stderr).on("line", (line) => {
				const found = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
				if (found) go(found);
			});
			child.once("exit", (code) => fail(new Error(`Chromium ended with ${code}`)));
		});
		return new Profile(await chromium.connectOverCDP(address, { noDefaults: true }), child, dir);
	}

	private readonly kill = (): void => void process.kill(-this.process.pid!, "SIGKILL"); // also one that is stopped

	async end(): Promise<void> {
		const gone = new Promise((go) => this.process.once("exit", go));
		const devtools = await this.browser.newBrowserCDPSession();
		process.off("exit", this.kill);
		await Promise.all([gone, devtools.send("Browser.close").catch(() => {})]);
		rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	}

	/** Stops the whole browser, or lets it go on, as a machine that is closed and opened does: nobody answers for its tabs meanwhile. */
	suspend(asleep: boolean): void {
		process.kill(-this.process.pid!, asleep ? "SIGSTOP" : "SIGCONT"); // all of its processes
	}

	/** Has pages fall asleep, while another one is looked at; ends when they have. */
	async freeze(pages: Page[]): Promise<void> {
		const front = await this.context.newPage();
		await front.bringToFront();
		for (const page of pages) {
			await page.waitForFunction(() => document.visibilityState === "hidden", undefined, { polling: 20 });
			await this.lifecycle(page, "frozen");
		}
	}

	/** Wakes a page, and looks at it. */
	async wake(page: Page): Promise<void> {
		await this.lifecycle(page, "active");
		await page.bringToFront();
	}

	private async lifecycle(page: Page, state: "frozen" | "active"): Promise<void> {
		const devtools = await this.context.newCDPSession(page);
		await devtools.send("Page.setWebLifecycleState", { state });
		await devtools.detach();
	}
}

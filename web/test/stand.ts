// A `rollcall dev` of the test's own, and Chromium to open its pages in.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const root = resolve(import.meta.dirname, "../..");
const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** What `rollcall dev --json` prints. */
export interface Trial {
	demo: string;
	clients: string;
	app: number;
	key: string;
}

export class Stand {
	trial: Trial;
	readonly browser: Browser;
	/** What a page complained of: there is to be nothing. */
	readonly complaints: string[] = [];
	private server: ChildProcess;
	private readonly contexts: BrowserContext[] = [];

	private constructor(browser: Browser, server: ChildProcess, trial: Trial) {
		this.browser = browser;
		this.server = server;
		this.trial = trial;
	}

	static async start(): Promise<Stand> {
		const executablePath = browsers.find((b) => existsSync(b));
		assert.ok(executablePath, "no Chromium here: apt-get install chromium");
		const [browser, [server, trial]] = await Promise.all([
			chromium.launch({ executablePath, args: ["--no-sandbox", "--force-prefers-reduced-motion"] }),
			dev("127.0.0.1:0"),
		]);
		return new Stand(browser, server, trial);
	}

	async end(): Promise<void> {
		await this.browser.close();
		await this.stopServer();
	}

	/** Ends the server; its clients are asked to come back. */
	async stopServer(): Promise<void> {
		if (this.server.exitCode !== null || this.server.signalCode !== null) return;
		const gone = new Promise((go) => this.server.once("exit", go));
		this.server.kill("SIGINT");
		await gone;
	}

	/** A browser of its own: what one keeps the other does not know. */
	async context(options: Parameters<Browser["newContext"]>[0] = {}): Promise<BrowserContext> {
		const c = await this.browser.newContext({ viewport: { width: 1440, height: 1000 }, locale: "en-GB", ...options });
		this.contexts.push(c);
		return c;
	}

	/** A tab with the demo in it. */
	async tab(context?: BrowserContext, path = ""): Promise<Page> {
		const page = await (context ?? (await this.context())).newPage();
		page.on("pageerror", (error) => this.complaints.push(String(error)));
		page.on("console", (m) => {
			// whoever loses a connection reads of it there
			if (m.type() === "error" && !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection|net::ERR_|status of (400|429)/.test(m.text())) this.complaints.push(m.text());
		});
		page.on("request", (r) => {
			if (!r.url().startsWith(this.trial.demo) && !r.url().startsWith("blob:")) this.complaints.push(`asked another host: ${r.url()}`);
		});
		page.setDefaultTimeout(20_000);
		await page.goto(this.trial.demo + path);
		return page;
	}

	/** A tab in which somebody is logged in, under a device's name. */
	async loggedIn(user: string, device = "", context?: BrowserContext): Promise<Page> {
		const page = await this.tab(context);
		await page.getByLabel("Name", { exact: true }).fill(user);
		if (device) await page.getByLabel("This device is called").fill(device);
		await page.getByRole("button", { name: "Log in", exact: true }).click();
		await page.getByText(`In as ${user}`, { exact: true }).waitFor();
		return page;
	}

	/** Has `rollcall dev` do something, as the page's buttons do. */
	async act(name: string, request: object): Promise<Record<string, unknown>> {
		const origin = new URL(this.trial.demo).origin;
		const answer = await fetch(`${origin}/dev/${name}`, {
			method: "POST", headers: { "Content-Type": "application/json", Origin: origin }, body: JSON.stringify(request),
		});
		const body = (await answer.json()) as Record<string, unknown>;
		assert.equal(answer.status, 200, JSON.stringify(body));
		return body;
	}

	/** Closes all tabs and gives the app the policy that it had at first. */
	async clear(): Promise<void> {
		await Promise.all(this.contexts.splice(0).map((c) => c.close()));
		await this.act("policy", { policy: null, instances: null, tell_kicked_on_reconnect: null, tell_kicked_on_login: null });
		assert.deepEqual(this.complaints.splice(0), []);
	}
}

/** Starts `rollcall dev` and reads what it prints. */
async function dev(listen: string): Promise<[ChildProcess, Trial]> {
	const binary = resolve(root, "bin/rollcall");
	const server = spawn(binary, ["dev", "--listen", listen, "--ops=", "--admin=", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
	const line = await new Promise<string>((go, fail) => {
		createInterface(server.stdout).once("line", go);
		server.once("error", fail);
		server.once("exit", (code) => fail(new Error(`rollcall dev ended with ${code}`)));
	});
	return [server, JSON.parse(line) as Trial];
}

/** Waits for a sentence of "What happened". */
export async function told(page: Page, text: string | RegExp): Promise<void> {
	await page.getByRole("log", { name: "What happened" }).getByText(text).first().waitFor();
}

export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });

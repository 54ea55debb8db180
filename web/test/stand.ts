// A `rollcall dev` of the test's own, and Chromium to open its pages in.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const root = resolve(import.meta.dirname, "../..");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where the pictures go; those of the manual are some of them (scripts/pages). */
export const pictures = join(root, "bin/pictures");
mkdirSync(pictures, { recursive: true });

/** What `rollcall dev --json` prints. */
export interface Trial {
	demo: string;
	clients: string;
	app: number;
	key: string;
}

export interface Session {
	session: number;
	platform: string;
	deviceName: string;
	connected: boolean;
}

export class Stand {
	trial: Trial;
	readonly browser: Browser;
	/** What a page complained of: there is to be nothing. */
	readonly complaints: string[] = [];
	private server: ChildProcess;
	private readonly dir: string;
	private readonly shared: boolean;
	private readonly contexts: BrowserContext[] = [];

	private constructor(browser: Browser, shared: boolean, dir: string, server: ChildProcess, trial: Trial) {
		this.browser = browser;
		this.shared = shared;
		this.dir = dir;
		this.server = server;
		this.trial = trial;
	}

	/** Starts a server, and a browser unless another stand's is given. */
	static async start(browser?: Browser): Promise<Stand> {
		const dir = mkdtempSync(join(tmpdir(), "rollcall-pages-"));
		const [b, [server, trial]] = await Promise.all([browser ?? chromium.launch({ executablePath: chromiumHere(), args }), dev("127.0.0.1:0", dir)]);
		return new Stand(b, browser !== undefined, dir, server, trial);
	}

	async end(): Promise<void> {
		await Promise.all(this.contexts.splice(0).map((c) => c.close()));
		if (!this.shared) await this.browser.close();
		await this.stopServer();
		rmSync(this.dir, { recursive: true });
	}

	/** Ends the server: with SIGINT its clients are asked to come back, with SIGKILL it is gone. */
	async stopServer(signal: "SIGINT" | "SIGKILL" = "SIGINT"): Promise<void> {
		if (this.server.exitCode !== null || this.server.signalCode !== null) return;
		const gone = new Promise((go) => this.server.once("exit", go));
		this.server.kill(signal);
		await gone;
	}

	/** Has the server do nothing more: whoever asks gets no answer. */
	halt(): void {
		this.server.kill("SIGSTOP");
	}

	/** Starts the server again, at the same address, with what it had. */
	async startServer(): Promise<void> {
		[this.server] = await dev(new URL(this.trial.demo).host, this.dir);
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
		const elsewhere = (url: string) => {
			if (!url.replace(/^ws/, "http").startsWith(this.trial.demo) && !url.startsWith("blob:")) this.complaints.push(`asked another host: ${url}`);
		};
		page.on("request", (r) => elsewhere(r.url()));
		page.on("websocket", (w) => elsewhere(w.url()));
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

	/** The sessions of an account, as the server has them. */
	async sessions(user: string): Promise<Session[]> {
		return (await this.act("state", { user }))["sessions"] as Session[];
	}

	/** Waits until an account's sessions are so. */
	async until(user: string, is: (all: Session[]) => boolean): Promise<void> {
		for (const end = Date.now() + 20_000; !is(await this.sessions(user)); await new Promise((go) => setTimeout(go, 200))) assert.ok(Date.now() < end, "not so after 20 s");
	}

	/** Closes all tabs and gives the app the policy that it had at first. */
	async clear(): Promise<void> {
		await Promise.all(this.contexts.splice(0).map((c) => c.close()));
		await this.act("policy", { policy: null, groups: null, instances: null, tell_kicked_on_reconnect: null, tell_kicked_on_login: null });
		assert.deepEqual(this.complaints.splice(0), []);
	}
}

const args = ["--no-sandbox", "--force-prefers-reduced-motion"];

export function chromiumHere(): string {
	const path = browsers.find((b) => existsSync(b));
	assert.ok(path, "no Chromium here: apt-get install chromium");
	return path;
}

/** Starts `rollcall dev` and reads what it prints. */
async function dev(listen: string, dir: string): Promise<[ChildProcess, Trial]> {
	const binary = resolve(root, "bin/rollcall");
	const server = spawn(binary, ["dev", "--listen", listen, "--ops=", "--admin=", "--dir", dir, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
	const line = await new Promise<string>((go, fail) => {
		createInterface(server.stdout).once("line", go);
		server.once("error", fail);
		server.once("exit", (code) => fail(new Error(`rollcall dev ended with ${code}`)));
	});
	return [server, JSON.parse(line) as Trial];
}

/** Waits for a sentence of "What happened". */
export async function told(page: Page, text: string | RegExp): Promise<void> {
	const story = page.getByRole("log", { name: "What happened" });
	try {
		await story.getByText(text).first().waitFor();
	} catch {
		assert.fail(`not told: ${String(text)}, but\n${await story.innerText()}`);
	}
}

/** What axe-core finds wrong with a page. */
export async function findings(page: Page): Promise<string[]> {
	// The page's own policy would not admit axe as a script; the debugger does.
	await page.evaluate(readFileSync(axe, "utf8"));
	return page.evaluate(async () => {
		const { violations } = await (window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run();
		return violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join(" | ")}`);
	});
}

/** Opens a conversation. */
export async function talkTo(page: Page, peer: string): Promise<void> {
	await page.getByLabel("Talk to").fill(peer);
	await page.keyboard.press("Enter");
	await page.getByRole("log", { name: `Messages with ${peer}` }).waitFor();
}

/** Says something in the conversation that is open. */
export async function say(page: Page, text: string): Promise<void> {
	await page.getByPlaceholder("Message").fill(text);
	await button(page, "Send").click();
}

/** A message in the conversation that is open. */
export const message = (page: Page, text: string) => page.getByRole("log", { name: /^Messages with/ }).locator(".message").filter({ hasText: text });

export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });

// Pages with nothing but the SDK in them. They come from a server's own origin, by a
// route of Playwright's; all else is real.
import { readFileSync } from "node:fs";
import type { BrowserContext, Page } from "playwright-core";
import type { Chat } from "../src/index.ts";

declare global {
	interface Window {
		chat: Chat;
		heard: { name: string; data: unknown }[];
		rollcall: typeof import("../src/index.ts");
	}
}

const bundle = readFileSync(new URL("../dist/rollcall.js", import.meta.url));

export async function route(c: BrowserContext, origin: string): Promise<void> {
	await c.route(`${origin}/**`, (route) => {
		const path = new URL(route.request().url()).pathname;
		if (path === "/rollcall.js") return route.fulfill({ contentType: "text/javascript", body: bundle });
		return route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Rollcall</title>" });
	});
}

/** Makes a page's client, which hears everything. */
export async function client(page: Page, app: number): Promise<void> {
	await page.evaluate(async (app) => {
		const rollcall = (window.rollcall = (await import(new URL("/rollcall.js", location.href).href)) as typeof import("../src/index.ts"));
		window.heard = [];
		window.chat = rollcall.create({ SDKAppID: app, loginTimeout: 3 });
		for (const name of Object.values(rollcall.EVENT)) window.chat.on(name, (e) => window.heard.push({ name: e.name, data: e.data }));
	}, app);
}

export const heard = (page: Page, name: string): Promise<unknown[]> => page.evaluate((n) => window.heard.filter((e) => e.name === n).map((e) => e.data), name);
export const waitFor = (page: Page, name: string, times = 1): Promise<unknown> => page.waitForFunction(([n, k]) => window.heard.filter((e) => e.name === n).length >= (k as number), [name, times] as const, { timeout: 20_000, polling: 50 }); // also in a tab that is not looked at

// Tabs of a machine that sleeps for longer than a server keeps them: their connections fall
// silent, a minute later their sessions have ended. What an hour more would change is nothing.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { Profile } from "./profile.ts";
import { client, heard, route, waitFor } from "./pages.ts";

const program = process.env["ROLLCALL"] ?? "rollcall";

test("a tab that slept for too long is in again by itself, unless somebody had a reason that it is not", async () => {
	const dir = mkdtempSync(join(tmpdir(), "rollcall-asleep-"));
	const run = (...args: string[]): string => execFileSync(program, [...args, "--dir", dir], { encoding: "utf8" });
	const { app, key } = JSON.parse(run("init", "--json")) as { app: number; key: string };
	const userSig = (user: string, lifetime = "24h"): string =>
		execFileSync(program, ["usersig", "new", "--app", String(app), "--user", user, "--for", lifetime], { encoding: "utf8", env: { ...process.env, ROLLCALL_KEY: key } }).trim();
	const sessions = (user: string): unknown[] => (JSON.parse(run("sessions", user, "--json")) as { sessions: unknown[] }).sessions;
	const server = spawn(program, ["serve", "--json", "--dir", dir, "--listen", "127.0.0.1:0", "--ops", "", "--admin", "", "--log-level", "error"], {
		stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ROLLCALL_TIMEOUTS_WEB_HEARTBEAT: "1s", ROLLCALL_TIMEOUTS_WEB_SILENCE: "2s" },
	});
	const start = () => Profile.start(process.env["CHROMIUM"] ?? "/usr/bin/chromium", {}, "--disable-features=LocalNetworkAccessChecks");
	const [sleeper, other] = await Promise.all([start(), start()]);
	try {
		const [line] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
		const origin = (JSON.parse(line) as { clients: string }).clients.replace(/^ws/, "http");
		for (const { context } of [sleeper, other]) await route(context, origin);
		const tab = async ({ context }: Profile, userID: string, lifetime?: string): Promise<Page> => {
			const page = await context.newPage();
			await page.goto(`${origin}/`);
			await client(page, app);
			assert.equal(await page.evaluate((x) => window.chat.login(x).then((r) => r.code), { userID, userSig: userSig(userID, lifetime) }), 0);
			return page;
		};
		const [plain, kicked, expired] = [await tab(sleeper, "plain"), await tab(sleeper, "kicked"), await tab(sleeper, "expired", "20s")];
		const bob = await tab(other, "bob");
		sleeper.suspend(true);
		run("kick", "kicked", "--all");
		for (const end = Date.now() + 100_000; ["plain", "kicked", "expired"].some((user) => sessions(user).length > 0); await new Promise((go) => setTimeout(go, 1000))) {
			assert.ok(Date.now() < end, "their sessions have not ended");
		}
		await bob.evaluate(() => window.chat.sendMessage(window.chat.createTextMessage({ to: "plain", payload: { text: "are you awake?" } })));

		sleeper.suspend(false);
		await waitFor(plain, "onMessageReceived");
		assert.deepEqual(await plain.evaluate(() => [window.chat.getLoginUser(), window.chat.isReady()]), ["plain", true]);
		assert.deepEqual([await heard(plain, "kickedOut"), sessions("plain").length], [[], 1]);

		await waitFor(kicked, "kickedOut");
		const [kick] = (await heard(kicked, "kickedOut")) as [{ type: string; kick: { reason: string; time: number } }];
		assert.deepEqual([kick.type, kick.kick.reason], ["REST_API_Kick", "operator"]);
		assert.ok(Date.now() / 1000 - kick.kick.time > 50, "it is told when it was, not when it was heard");

		await waitFor(expired, "kickedOut");
		const [end] = (await heard(expired, "kickedOut")) as [{ type: string; kick: { reason: string } }];
		assert.deepEqual([end.type, end.kick.reason], ["userSigExpired", "UserSig ended"]);
	} finally {
		sleeper.suspend(false);
		await Promise.all([sleeper.end(), other.end()]);
		const gone = once(server, "exit");
		server.kill("SIGTERM");
		await gone;
		rmSync(dir, { recursive: true });
	}
});

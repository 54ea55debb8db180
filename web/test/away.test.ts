import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

test("a tab that an operator kicked while it was away is told when it comes back", async () => {
	const page = await s.loggedIn("alice");
	await button(page, "Kick me while I am away").click();
	await told(page, /^While this tab was away, an operator kicked its session/);
	await told(page, /^Kicked by an operator/);
	await page.getByText("Not logged in", { exact: true }).waitFor();
});

test("a tab whose place was taken while it was away takes it back, whatever the switches for phones", async () => {
	await s.act("policy", { tell_kicked_on_reconnect: true, tell_kicked_on_login: true });
	const page = await s.loggedIn("alice", "The patient one");
	await button(page, "Cut my network").click();
	await page.getByText("Network cut", { exact: true }).waitFor();
	const other = await s.loggedIn("alice", "The quick one");
	await button(page, "Mend my network").click();
	await told(other, /^Kicked: your Web limit is 1 and The patient one logged in/);
	await page.getByText("In as alice", { exact: true }).waitFor();
});

for (const on of [false, true]) {
	test(`a phone that was kicked while it was away ${on ? "is told so and stays out" : "takes its place back"} when it returns, with tell_kicked_on_reconnect ${on ? "on" : "off"}`, async () => {
		await s.act("policy", { policy: "custom", groups: [["iPhone", "Mac"]] }); // and so it is again in the end
		const page = await s.loggedIn(`s1-${on}`, "The tab");
		if (on) {
			await page.getByRole("switch", { name: "Told when it comes back by itself" }).check();
			await told(page, "Who was kicked while away is told so when it comes back by itself.");
		}
		await button(page, "Kick the phone while it is away").click();
		if (on) {
			await told(page, /The phone was kicked: Signed out because the account logged in on "The tab" \(Web\).* \(code 6208\)/);
			await page.getByText(`In as s1-${on}`, { exact: true }).waitFor();
		} else {
			await told(page, /The first switch is off, so it logs in by itself again, and kicks this tab/);
			await page.getByRole("alert").getByText(/^Kicked: the policy lets you be on Web or on Android/).waitFor();
		}
		await told(page, `The policy is custom again${on ? "" : ". This tab is out until you log in again"}.`);
		const { settings } = (await s.act("state", {})) as { settings: { policy: string; groups: string[][] } };
		assert.deepEqual([settings.policy, settings.groups], ["custom", [["iPhone", "Mac"]]]);
	});

	test(`a phone's app that was killed and whose place was taken ${on ? "is told 6208 once" : "just logs in"}, with tell_kicked_on_login ${on ? "on" : "off"}`, async () => {
		await s.act("policy", { policy: "single", tell_kicked_on_login: on });
		const page = await s.loggedIn(`s2-${on}`, "The tab");
		await button(page, "Log a phone in").click();
		await told(page, /^Kicked: the policy lets you be on Web or on Android/);
		await button(page, "Kill its app").click();
		await button(page, "Log in again").click();
		await page.getByText(`In as s2-${on}`, { exact: true }).waitFor();
		await button(page, "Log a phone in").click();
		if (on) {
			await told(page, /^The phone's login\(\) failed: 6208 /);
			await page.getByText(`In as s2-${on}`, { exact: true }).waitFor();
			await button(page, "Log a phone in").click();
		}
		await page.getByText("Not logged in", { exact: true }).waitFor();
		await page.locator(".phone").getByText("logged in", { exact: true }).waitFor();
	});
}

test("who leaves the page in the midst of the phone's story leaves the policy as it was", async () => {
	await s.act("policy", { policy: "custom", groups: [["iPhone", "Mac"]] });
	const page = await s.loggedIn("hasty");
	await button(page, "Kick the phone while it is away").click();
	await told(page, /^Policy single: one platform at a time/);
	await page.goto("about:blank");
	const now = async () => ((await s.act("state", {})) as { settings: { policy: string; groups: string[][] } }).settings;
	for (const end = Date.now() + 20_000; (await now()).policy !== "custom"; await new Promise((go) => setTimeout(go, 200))) assert.ok(Date.now() < end, "not so after 20 s");
	assert.deepEqual((await now()).groups, [["iPhone", "Mac"]]);
});

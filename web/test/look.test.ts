// Who sees little, has no mouse, or a small screen; and the pictures of the manual.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Stand, button, findings, pictures, told } from "./stand.ts";

let s: Stand;
/** Each look is at a server of its own: what others said would be seen. */
function ownStand(): void {
	before(async () => { s = await Stand.start(); });
	afterEach(() => s.clear());
	after(() => s.end());
}

/** Nothing is wider than the screen. */
async function fits(page: Page): Promise<void> {
	const over = await page.evaluate(() => [...document.querySelectorAll("body *")]
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("pre, .unseen") && getComputedStyle(e).position !== "absolute")
		.map((e) => e.outerHTML.slice(0, 120)));
	assert.deepEqual(over, []);
	const below = await page.evaluate(() => document.documentElement.scrollHeight - Math.max(innerHeight, Math.ceil(document.querySelector("main")!.getBoundingClientRect().bottom + scrollY)));
	assert.ok(below <= 1, `${below} px of nothing below the page`);
}

/** Up to where a page begins. */
const top = (page: Page): Promise<void> => page.evaluate(() => scrollTo(0, 0));

/** Alice and bob have talked; then alice logs in elsewhere. */
async function scene(options: { colorScheme?: "light" | "dark"; viewport?: { width: number; height: number } }, suffix: string) {
	const alice = await s.loggedIn("alice", "Chrome on the laptop", await s.context(options));
	const bob = await s.loggedIn("bob", "Chrome on a phone", await s.context(options));
	await alice.getByLabel("Talk to").fill("bob");
	await alice.keyboard.press("Enter");
	for (const text of ["Did you see who is on the roll today?", "You are, twice."]) {
		await alice.getByPlaceholder("Message").fill(text);
		await button(alice, "Send").click();
	}
	await bob.getByRole("button", { name: /alice/ }).click();
	await bob.getByPlaceholder("Message").fill("Not for long: the limit is one.");
	await button(bob, "Send").click();
	await alice.getByRole("log", { name: "Messages with bob" }).getByText("Not for long").waitFor();
	await button(alice, "Log a phone in").click();
	await alice.getByText("logged in", { exact: true }).waitFor();
	await alice.getByRole("button", { name: /the server to this tab: session/ }).first().click();
	assert.deepEqual(await findings(alice), []);
	await fits(alice);
	await top(alice);
	await alice.screenshot({ path: `${pictures}/demo${suffix}.png`, fullPage: true });
	const second = await s.loggedIn("alice", "Chrome at work", await s.context(options));
	await told(alice, /^Kicked: your Web limit is 1 and Chrome at work/);
	await alice.getByRole("button", { name: /notice/ }).first().click();
	assert.deepEqual(await findings(alice), []);
	await fits(alice);
	await top(alice);
	await alice.screenshot({ path: `${pictures}/kicked${suffix}.png`, fullPage: true });
	if (!options.viewport) await alice.screenshot({ path: `${pictures}/tab${suffix}.png` });
	await second.close();
}

const screens = [
	["in a light scheme", { colorScheme: "light" }, ""],
	["in a dark scheme", { colorScheme: "dark" }, "-dark"],
	["on a narrow screen", { colorScheme: "light", viewport: { width: 375, height: 812 } }, "-narrow"],
	["on a middling screen", { colorScheme: "light", viewport: { width: 1024, height: 768 } }, "-middling"],
] as const;

for (const [where, options, suffix] of screens) {
	describe(where, () => {
		ownStand();

		test("the demo can be read", async () => {
			const page = await s.tab(await s.context(options));
			await page.getByText("Pick a name.").waitFor();
			assert.deepEqual(await findings(page), []);
			await fits(page);
			await page.screenshot({ path: `${pictures}/enter${suffix}.png`, fullPage: true });
			await scene(options, suffix);
		});

		test("so can the playground", async () => {
			const page = await s.tab(await s.context(options), "playground");
			for (const platform of ["Android", "Web", "Web", "iPhone"]) await button(page, `+ ${platform}`).click();
			await button(page, "Cut off w2").click();
			assert.deepEqual(await findings(page), []);
			await fits(page);
			await page.screenshot({ path: `${pictures}/playground${suffix}.png`, fullPage: true });
		});
	});
}

/** A hand on the keyboard of a page: what has the focus, and the way to something by Tab. */
function hand(page: Page) {
	const at = () => page.evaluate(() => {
		const e = document.activeElement as HTMLElement;
		return (e.getAttribute("aria-label") || document.querySelector(`label[for="${e.id}"]`)?.textContent || e.textContent || "").trim();
	});
	const to = async (name: string | RegExp) => {
		for (let i = 0; i < 80; i++) {
			await page.keyboard.press("Tab");
			const here = await at();
			if (typeof name === "string" ? here === name : name.test(here)) {
				const ring = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
				assert.notEqual(ring, "none", `${here} does not show that it has the focus`);
				return;
			}
		}
		assert.fail(`${name} is not reached by the keyboard`);
	};
	return { at, to };
}

describe("without a mouse", () => {
	ownStand();

	test("the keyboard alone is enough", async () => {
		await s.act("phone", { user: "bob", do: "login" }); // so that there is a bob
		const page = await s.tab();
		const { at, to } = hand(page);
		await page.keyboard.press("Tab");
		assert.equal(await at(), "To the chat");
		await to("Name");
		await page.keyboard.type("erin");
		await page.keyboard.press("Enter");
		await page.getByText("In as erin", { exact: true }).waitFor();
		await to("Talk to");
		await page.keyboard.type("bob");
		await page.keyboard.press("Enter");
		await to("Message to bob");
		await page.keyboard.type("typed");
		await page.keyboard.press("Enter");
		await page.getByRole("log", { name: "Messages with bob" }).getByText("typed").waitFor();
		await to("Kick me");
		await page.keyboard.press("Enter");
		await told(page, /^Kicked by an operator/);
		await to(/notice/);
		await page.getByText("The session is over, and this is why.").waitFor();
		await to("Log in again"); // round to the beginning
		await page.keyboard.press("Enter");
		await page.getByText("In as erin", { exact: true }).waitFor();
	});

	test("and in the playground", async () => {
		const page = await s.tab(undefined, "playground");
		await page.getByText("Nobody is logged in yet.").waitFor();
		const { to } = hand(page);
		await to("Policy");
		await page.keyboard.type("triple");
		await to("Web");
		await page.keyboard.press("ArrowUp");
		for (const press of ["Enter", "Enter", "Space"]) {
			await to("+ Web");
			await page.keyboard.press(press);
		}
		await page.getByText(/^w1 \(Web\) goes\. It is told: .*the app lets an account be logged in 2 times on Web\.$/).waitFor();
		await to("Cut off w3");
		await page.keyboard.press("Enter");
		await to("Log out w2");
		await page.keyboard.press("Enter");
		assert.deepEqual(await page.getByRole("list", { name: /^Devices/ }).locator("code").allTextContents(), ["w3"]);
		await to("Copy the case of w3");
		await to("Start over"); // round to the beginning
		await page.keyboard.press("Enter");
		await page.getByText("Nobody is logged in yet.").waitFor();
		await to("Web");
		await page.keyboard.press("ControlOrMeta+a");
		await page.keyboard.type("500");
		await page.keyboard.press("Tab");
		await page.getByText("Web: 10, since a platform has 1 to 10.").waitFor();
	});
});

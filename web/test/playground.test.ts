import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

test("the playground says who goes and why, and copies the case", async () => {
	const context = await s.context({ permissions: ["clipboard-read", "clipboard-write"] });
	const page = await s.tab(context, "playground");
	await page.getByLabel("Policy", { exact: true }).selectOption("triple");
	await page.getByLabel("Web", { exact: true }).fill("2");
	await page.keyboard.press("Tab");
	for (const platform of ["Web", "Web", "Android"]) await button(page, `+ ${platform}`).click();
	await button(page, "Cut off w2").click();
	await button(page, "+ Web").click();
	await page.getByText(`w2 (Web, away) goes. It is told: Signed out because the account logged in on "w3" (Web): the app lets an account be logged in 2 times on Web.`).waitFor();
	await button(page, "Copy the case of w3").click();
	await page.getByText("Copied the case").waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
		`{"tried in the playground", grouped(limits("w2"), "aipho dml w"), "w1 w2- a1", login("w3"), "w1 w2!newer a1 w3"},`);
	assert.deepEqual(await page.getByRole("list", { name: /^Devices/ }).locator("code").allTextContents(), ["w1", "a1", "w3"]);
});

test("devices are dragged into the account and out of it", async () => {
	const page = await s.tab(undefined, "playground");
	const box = page.getByRole("list", { name: /^Devices/ });
	await button(page, "+ iPad").dragTo(box);
	await box.getByText("p1").waitFor();
	await button(page, "+ Mac").click();
	await box.getByText("m1").waitFor(); // on another platform of its group: p1 has gone
	await box.getByRole("listitem").filter({ hasText: "m1" }).dragTo(page.getByRole("list", { name: "Platforms" }));
	await box.getByText("Nobody is logged in yet.").waitFor();
});

test("only the playground loads the rule", async () => {
	const page = await s.tab();
	const loaded: string[] = [];
	page.on("request", (r) => loaded.push(r.url()));
	await page.reload();
	await page.getByText("Pick a name.").waitFor();
	assert.deepEqual(loaded.filter((u) => u.includes("wasm") || u.includes("playground")), []);
	const answer = await page.goto(`${s.trial.demo}playground`);
	await button(page, "+ Web").click();
	assert.ok(loaded.some((u) => u.endsWith(".wasm")));
	assert.match(answer?.headers()["content-security-policy"] ?? "", /'wasm-unsafe-eval'/);
});

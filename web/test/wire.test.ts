import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DOWN, UP } from "../demo/explain.ts";
import { Stand, button } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

test("a frame that is pointed at is explained, and one that is pressed stays so", async () => {
	const page = await s.loggedIn("alice");
	const row = (name: RegExp) => page.getByRole("list", { name: "Frames" }).getByRole("button", { name }).first();
	await row(/this tab to the server: login/).hover();
	await page.getByText(/^Asks for a session for this tab\./).waitFor();
	await row(/the server to this tab: session number 1, connection 1/).click();
	await page.getByText(/^You are in\. The session's number counts/).waitFor();
	await row(/the connection: opened/).hover();
	await page.getByText(/^You are in\./).waitFor();
});

test("every frame that there is has its explanation", () => {
	const schema = readFileSync(new URL("../../wire/proto/rollcall/v1/rollcall.proto", import.meta.url), "utf8");
	const members = (frame: string) => {
		const body = new RegExp(`^message ${frame} \\{[^]*?oneof \\w+ \\{([^]*?)\\n  \\}`, "m").exec(schema)?.[1] ?? "";
		return [...body.matchAll(/^    \w+ (\w+) = \d+;/gm)].map((m) => m[1]!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
	};
	assert.ok(members("ClientFrame").length > 10 && members("ServerFrame").length > 10, "the schema was not understood");
	assert.deepEqual(members("ClientFrame").filter((m) => !UP[m]), []);
	assert.deepEqual(members("ServerFrame").filter((m) => !DOWN[m]), []);
});

test("the page shows of a secret only how it begins", async () => {
	const page = await s.loggedIn("alice");
	await page.getByRole("button", { name: /this tab to the server: login/ }).click();
	const frame = JSON.parse((await page.getByLabel("The frame").textContent()) ?? "") as { login: Record<string, string> };
	for (const secret of ["userSig", "fixedHalf", "changingHalf"]) assert.match(frame.login[secret] ?? "", /^.{6}…$/, secret);
	assert.equal(frame.login["userId"], "alice");
	assert.doesNotMatch(await page.content(), /eJ[\w*-]{40}/, "a UserSig stands in the page");
});

test("a cut network is seen on the wire, and the way back", async () => {
	const page = await s.loggedIn("frank");
	await button(page, "Cut my network").click();
	await page.getByRole("button", { name: /closed this tab's network was cut/ }).waitFor();
	await button(page, "Mend my network").click();
	await page.getByRole("button", { name: /this tab to the server: resume session \d+/ }).first().waitFor();
	await page.getByText("In as frank", { exact: true }).waitFor();
	await page.getByRole("button", { name: /session number 1, connection 2/ }).waitFor();
});

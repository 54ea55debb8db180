import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import { Backoff } from "../src/backoff.ts";
import { Clock } from "../src/clock.ts";
import { contentBytes, int, line, parse, toBase64 } from "../src/wire.ts";
import { kickOf } from "../src/kick.ts";
import { lossOf } from "../src/conn.ts";
import { serverURL } from "../src/address.ts";

test("the bundle is at most 25 KB gzipped, and needs nothing else", () => {
	const bundle = readFileSync("dist/rollcall.js");
	const size = gzipSync(bundle, { level: 9 }).length;
	assert.ok(size <= 25 * 1024, `${size} bytes`);
	assert.doesNotMatch(bundle.toString(), /^import |\bfrom"|eval\(|new Function/m);
	assert.equal((JSON.parse(readFileSync("package.json", "utf8")) as { dependencies?: object }).dependencies, undefined);
});

test("no file is longer than 400 lines", () => {
	for (const file of readdirSync("src")) assert.ok(readFileSync(`src/${file}`, "utf8").split("\n").length <= 401, file);
});

test("waits grow to a ceiling, and a hint is a lower bound", () => {
	const b = new Backoff(() => 0.999, 4000);
	assert.deepEqual([1, 2, 3, 4, 5].map(() => Math.round(b.next())), [500, 999, 1998, 3996, 3996]);
	assert.ok(b.next(60_000) >= 60_000 && b.next(60_000) <= 90_000);
	assert.ok(b.next(1e12) <= 1.5 * 3_600_000);
	b.reset();
	assert.ok(b.next() < 500);
});

test("a close's words are read, and what is none is nothing", () => {
	assert.deepEqual(lossOf(4000, "drain retry_after_ms=1500"), { code: 4000, retryAfterMs: 1500 });
	assert.deepEqual(lossOf(4000, "drain retry_after_ms=soon x=1 ="), { code: 4000, retryAfterMs: 0 });
	assert.deepEqual(lossOf(4000, "retry_after_ms=99999999999999"), { code: 4000, retryAfterMs: 0 });
});

test("frames and what is in them", () => {
	for (const bad of ["", "1", "null", "[]", '"x"', "{"]) assert.equal(parse(bad), undefined, bad);
	assert.deepEqual([int("9007199254740991"), int("9007199254740993"), int("x"), int(undefined), int(7)], [9007199254740991, 0, 0, 0, 7]);
	assert.equal(line("a\u202eb\nc\u0000"), "a b c");
	assert.equal(contentBytes({ text: "é".repeat(100) }), 3 + 200);
	assert.equal(contentBytes({ custom: { data: toBase64(new Uint8Array(200)) }, cloudCustomData: "x" }), 3 + 3 + 200 + 3);
});

test("an address is spelled in one way", () => {
	for (const [given, want] of [
		["wss://IM.example.com", "wss://im.example.com"],
		["https://im.example.com/chat/", "wss://im.example.com/chat"],
		["http://im.example.com/v1/connect", "ws://im.example.com"],
		["im.example.com", "wss://im.example.com"],
		["localhost", "ws://localhost:7400"],
		["127.0.0.1:80", "ws://127.0.0.1"],
		["[::1]:7400", "ws://[::1]:7400"],
	] as const) assert.equal(serverURL(given), want);
});

test("the vendor's four words for a kick", () => {
	for (const [notice, want] of [
		[{ reason: "REASON_NEWER_LOGIN", bySession: "2", byPlatform: 7 }, "multipleAccount"],
		[{ reason: "REASON_NEWER_LOGIN", bySession: "2", byPlatform: 1 }, "multipleDevice"],
		[{ reason: "REASON_SIGNED_OUT_ELSEWHERE", bySession: "2", byPlatform: 5 }, "multipleDevice"],
		[{ reason: "REASON_SAME_DEVICE_ELSEWHERE" }, "multipleAccount"],
		[{ reason: "REASON_REST_KICK", expired: true }, "REST_API_Kick"],
		[{ reason: "REASON_USERSIG_ENDED", expired: true }, "userSigExpired"],
		[{ reason: "REASON_OPERATOR" }, "REST_API_Kick"],
		[{ reason: "REASON_OF_TOMORROW" }, "multipleAccount"],
	] as const) assert.equal(kickOf(notice).type, want, JSON.stringify(notice));
});

test("the server's time is in whole ms, also by a clock that tells parts of them", () => {
	let steady = 10.3;
	const clock = new Clock(() => steady);
	assert.equal(clock.now(), 0);
	clock.hear(1_700_000_000_000);
	steady += 1500.5;
	assert.equal(clock.now(), 1_700_000_001_500);
	assert.equal(kickOf({ reason: "REASON_USERSIG_ENDED", atMs: clock.now() }).kick.time, 1_700_000_001);
});

// The package as others get it: by its name, its types and its bundle.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError, CODE, createOn, EVENT, TYPES, VERSION, type Chat, type EventMap, type Message, type Options } from "@rollcall/sdk";
import { World } from "./world.ts";

test("the package has what it says", async () => {
	const w = new World();
	w.friendly();
	const options: Options = { SDKAppID: 1 };
	const chat: Chat = createOn(w.environment(), { ...options, proxyServer: "im.test" });
	let state: EventMap["netStateChange"]["state"] | undefined;
	chat.on(EVENT.NET_STATE_CHANGE, ({ data }) => (state = data.state));
	await chat.login({ userID: "alice", userSig: "x" });
	assert.equal(state, TYPES.NET_STATE_CONNECTED);
	const message: Message = chat.createTextMessage({ to: "bob", payload: { text: "hello" } });
	assert.equal(message.type === TYPES.MSG_TEXT && message.payload.text, "hello");
	assert.throws(() => chat.createTextMessage({ to: "no body", payload: { text: "x" } }), (e) => e instanceof ChatError && e.code === CODE.ILLEGAL_USER_ID);
	assert.match(VERSION, /^\d+\.\d+\.\d+$/);
	await chat.destroy();
});

// Plays devices of scenarios with the browser SDK, as it is published: the far end of
// ../browser_test.go. It hears commands and says what the SDK does, in JSON.
//
// The SDK's world is the other end's: its clock, its timers, its sockets. One command
// is one thing that happens in it. All that follows from it is said, then "idle" and
// when the next timer is due; meanwhile no time passes there. Where this runs is the
// host's: node.mjs, or a page in chromium.mjs.
import { createOn, EVENT } from "../../web/sdk/dist/rollcall.js";

let host;

const STATUS = { 1: "logged in", 2: "logging in", 3: "logged out" };

class Device {
	now = 0;
	timers = new Map();
	sockets = new Map();
	asked = new Map();
	last = 0;

	constructor({ dir, app, url, platform, name, provider }) {
		this.dir = dir;
		const options = { SDKAppID: app, proxyServer: url, platform, deviceName: name };
		if (provider) options.userSigProvider = (user) => this.provide(user);
		this.chat = createOn(this.world(), options);
		this.listen();
	}

	world() {
		return {
			now: () => this.now,
			after: (ms, f) => {
				const n = ++this.last;
				this.timers.set(n, { at: this.now + ms, f });
				return () => this.timers.delete(n);
			},
			random: Math.random,
			randomBytes: (n) => crypto.getRandomValues(new Uint8Array(n)),
			sha256: async (bytes) => Uint8Array.from(host.sha256([...bytes])),
			inflate: async (bytes) => host.inflate([...bytes]),
			connect: (url, protocol, handler) => {
				const socket = ++this.last;
				this.sockets.set(socket, handler);
				host.say({ dial: socket, url, protocol });
				return {
					send: (text) => this.sockets.has(socket) && host.say({ send: socket, text }),
					close: () => this.sockets.delete(socket) && host.say({ shut: socket }),
				};
			},
			keep: async () => ({
				read: (key) => this.read(`${key}.json`),
				write: (key, text) => this.write(`${key}.json`, text),
			}),
			cache: (owner) => this.cache(owner),
			onWake: () => () => {},
			report: (error) => console.error(error),
		};
	}

	read(file) {
		return this.dir ? (host.read(this.dir, file) ?? undefined) : undefined;
	}

	write(file, text) {
		if (this.dir) host.write(this.dir, file, text);
	}

	/** A cache in a file, as the browser's is in its database. */
	cache(owner) {
		const file = `cache-${encodeURIComponent(owner)}.json`;
		const kept = JSON.parse(this.read(file) ?? '{"change":0,"rows":{},"messages":{}}');
		const save = () => this.write(file, JSON.stringify(kept));
		const put = ({ past, change, whole, rows, messages }) => {
			Object.assign(kept, { past, change, whole });
			for (const r of rows) kept.rows[r.peer] = structuredClone(r);
			for (const { peer, put, remove } of messages) {
				const all = (kept.messages[peer] ??= {});
				for (const [first, last] of remove) for (const n of Object.keys(all)) if (n >= first && n <= last) delete all[n];
				for (const m of put) all[m.sequence] = structuredClone(m);
			}
			save();
		};
		return {
			load: async () => (kept.change > 0 ? structuredClone({ ...kept, rows: Object.values(kept.rows) }) : undefined),
			messages: async (peer, first, last, count) =>
				Object.values(kept.messages[peer] ?? {}).filter((m) => m.sequence >= first && m.sequence <= last).sort((a, b) => a.sequence - b.sequence).slice(-count),
			write: async (step) => put(step),
			onWriter: (all) => put(all()),
			wipe: async () => put({ past: "", change: 0, rows: ((kept.rows = {}), (kept.messages = {}), []), messages: [], whole: 0 }),
			close: () => {},
		};
	}

	provide(user) {
		const n = ++this.last;
		host.say({ provide: n, user });
		return new Promise((given, failed) => this.asked.set(n, { given, failed }));
	}

	listen() {
		const { chat } = this;
		chat.on(EVENT.NET_STATE_CHANGE, ({ data }) => {
			const kind = { connecting: "connecting", connected: "connected", disconnected: "connect fails" }[data.state];
			this.event({ kind, code: data.code ?? 0, text: data.message ?? "" });
		});
		for (const name of [EVENT.MESSAGE_RECEIVED, EVENT.MESSAGE_REVOKED, EVENT.MESSAGE_READ_BY_PEER, EVENT.CONVERSATION_LIST_UPDATED, EVENT.TOTAL_UNREAD_MESSAGE_COUNT_UPDATED, EVENT.SDK_READY, EVENT.SDK_NOT_READY, EVENT.ERROR]) {
			chat.on(name, (event) => host.say({ heard: event.name, data: event.data }));
		}
		chat.on(EVENT.USERSIG_WILL_EXPIRE, () => this.event({ kind: "ticket ends soon" }));
		chat.on(EVENT.KICKED_OUT, ({ data: { expired, kick } }) => {
			if (expired) {
				this.event({ kind: "ticket expired", text: kick.message });
				return;
			}
			const rule = kick.rule && (kick.limit ? `${kick.rule} of ${kick.limit}` : kick.rule);
			this.event({ kind: "kicked", code: kick.code, text: kick.message, reason: kick.reason, rule: rule ?? "", platform: kick.by?.platform ?? "" });
		});
	}

	/** The app hears something: what it does inside its handler is the answer. */
	event(event) {
		host.say({ event, standing: this.standing() });
		for (const c of host.hear().inside ?? []) this.take(c);
	}

	standing() {
		return [STATUS[this.chat.getLoginStatus()], this.chat.getLoginUser()];
	}

	/** What happens. */
	take(c) {
		const socket = this.sockets.get(c.socket);
		switch (c.do) {
			case "open": break;
			case "tick": this.tick(); break;
			case "opened": socket?.opened(); break;
			case "failed": this.sockets.delete(c.socket) && socket.failed(c.text); break;
			case "received": socket?.received(c.text); break;
			case "closed": this.sockets.delete(c.socket) && socket.closed(c.code, c.text); break;
			case "given": this.asked.get(c.call).given(c.ticket); break;
			case "notGiven": this.asked.get(c.call).failed(new Error(c.text)); break;
			case "any": this.any(c); break;
			case "close": void this.chat.destroy({ keepSession: true }); break;
			default: this.call(c);
		}
	}

	tick() {
		const due = [...this.timers].filter(([, t]) => t.at <= this.now).sort(([a, x], [b, y]) => x.at - y.at || a - b);
		for (const [n, t] of due) this.timers.delete(n) && t.f();
	}

	/** Any call of the SDK, by its name; what comes of it is told as it is. */
	any({ call, user, text }) {
		Promise.resolve().then(() => this.chat[user](...JSON.parse(text))).then(
			(data) => host.say({ result: call, code: 0, data: data ?? null, standing: this.standing() }),
			(error) => host.say({ result: call, code: error.code ?? -1, text: String(error), standing: this.standing() }),
		);
	}

	call({ do: what, call, user, ticket, session, tickets, text, message, halved, pinned }) {
		const { chat } = this;
		const conversationID = `C2C${user}`;
		const calls = {
			"login": () => chat.login({ userID: user, userSig: ticket }),
			"renewal": () => chat.renewUserSig(ticket),
			"logout": () => chat.logout(),
			"sign-out": () => (session ? chat.signOut(session, { userSigs: tickets }) : chat.signOutOthers({ userSigs: tickets })),
			"sessions": () => chat.getLoginSessions(),
			"sending": () => {
				const m = chat.createTextMessage({ to: user, payload: { text: halved ? `${text}\ud83d` : text } });
				m.ID = message.ID;
				return chat.sendMessage(m);
			},
			"recall": () => chat.revokeMessage({ ...message, conversationID }),
			"deletion": () => (message ? chat.deleteMessage([{ ...message, conversationID }]) : chat.deleteConversation(conversationID)),
			"mark": () => chat.setMessageRead({ conversationID }),
			"pin": () => chat.pinConversation({ conversationID, isPinned: pinned }),
		};
		Promise.resolve().then(calls[what]).then(
			({ data }) => host.say({ result: call, code: 0, sessions: data.sessionList, standing: this.standing() }),
			(error) => host.say({ result: call, code: error.code ?? -1, text: String(error), standing: this.standing() }),
		);
	}

	/** When the next timer is due, in ms from now; -1: there is none. */
	next() {
		return this.timers.size === 0 ? -1 : Math.max(0, Math.min(...[...this.timers.values()].map((t) => t.at)) - this.now);
	}
}

/** Plays, until the host hears nothing more. */
export async function play(here) {
	host = here;
	const devices = new Map();
	for (let c; (c = host.hear()); ) {
		if (c.do === "open") devices.set(c.device, new Device(c));
		const device = devices.get(c.device);
		device.now = c.now;
		device.take(c);
		await host.quiet();
		host.say({ idle: true, next: device.next(), standing: device.standing() });
	}
}

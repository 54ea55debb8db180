// A world for the state machine: a clock that the test moves, a server that it plays,
// and storage in memory. Nothing in it is real.
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { createOn, EVENT, type Chat, type HostOptions } from "../src/index.ts";
import type { CacheFile, CacheStep, Environment, SocketHandler } from "../src/environment.ts";
import type { ClientFrame, ServerFrame } from "../src/wire.ts";

/** Until nothing more follows by itself. */
export const quiet = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)));

/** A connection of the client, from the server's side. */
export class Line {
	readonly heard: ClientFrame[] = [];
	open = true;
	private readonly world: World;
	private readonly handler: SocketHandler;

	constructor(world: World, handler: SocketHandler) {
		this.world = world;
		this.handler = handler;
	}

	accept(): void {
		this.handler.opened();
	}

	fail(): void {
		this.open = false;
		this.handler.failed("no connection could be made");
	}

	/** Says a frame; the answer to the latest request if it names none. */
	say(f: ServerFrame): void {
		this.handler.received(JSON.stringify({ timeMs: String(this.world.serverTime()), ...f }));
	}

	answer(f: ServerFrame): void {
		const { id } = this.last;
		this.say(id === undefined ? f : { id, ...f });
	}

	close(code = 1006, reason = ""): void {
		this.open = false;
		this.handler.closed(code, reason);
	}

	get last(): ClientFrame {
		const f = this.heard.at(-1);
		if (!f) throw new Error("the client has said nothing");
		return f;
	}

	hear(text: string): void {
		const f = JSON.parse(text) as ClientFrame;
		this.heard.push(f);
		this.world.onFrame?.(f, this);
	}
}

export class World {
	now = 0;
	readonly lines: Line[] = [];
	readonly kept = new Map<string, string>();
	readonly reported: unknown[] = [];
	/** Throws in the place of the keep. */
	full = false;
	/** That the server names. */
	past = "";
	cache: () => CacheFile = memoryCache;
	onFrame: ((f: ClientFrame, l: Line) => void) | undefined;
	onDial: ((l: Line) => void) | undefined;
	wake = (): void => {};
	private timers: { at: number; f: () => void }[] = [];
	private drawn = 0;

	serverTime(): number {
		return 1_800_000_000_000 + this.now;
	}

	get line(): Line {
		const l = this.lines.at(-1);
		if (!l) throw new Error("nobody has dialled");
		return l;
	}

	environment(): Environment {
		return {
			now: () => this.now,
			after: (ms, f) => {
				if (ms > 2 ** 31 - 1) throw new Error("no timer waits so long");
				const timer = { at: this.now + ms, f };
				this.timers.push(timer);
				return () => void (this.timers = this.timers.filter((x) => x !== timer));
			},
			random: () => 0.5,
			randomBytes: (n) => new Uint8Array(n).fill(++this.drawn % 256),
			sha256: async (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
			inflate: async (bytes) => inflateSync(bytes).toString(),
			connect: (_url, _protocol, handler) => {
				const l = new Line(this, handler);
				this.lines.push(l);
				queueMicrotask(() => this.onDial?.(l));
				return { send: (text) => l.open && l.hear(text), close: () => void (l.open = false) };
			},
			keep: async () => ({
				read: (key) => this.kept.get(key),
				write: (key, text) => {
					if (this.full) throw new Error("there is no room");
					this.kept.set(key, text);
				},
			}),
			cache: () => this.cache(),
			onWake: (f) => {
				this.wake = f;
				return () => (this.wake = () => {});
			},
			report: (error) => void this.reported.push(error),
		};
	}

	client(options: Partial<HostOptions> = {}): { chat: Chat; events: string[] } {
		const chat = createOn(this.environment(), { SDKAppID: 1, proxyServer: "ws://im.test", ...options });
		const events: string[] = [];
		for (const name of Object.values(EVENT)) {
			chat.on(name, ({ data }) => {
				const detail = data && typeof data === "object" && "state" in data ? ` ${data.state}` : "";
				events.push(name + detail);
			});
		}
		return { chat, events };
	}

	/** Lets time pass, timer by timer. */
	async pass(ms: number): Promise<void> {
		const until = this.now + ms;
		for (;;) {
			await quiet();
			const next = this.timers.toSorted((a, b) => a.at - b.at)[0];
			if (!next || next.at > until) break;
			this.timers = this.timers.filter((x) => x !== next);
			this.now = Math.max(this.now, next.at);
			next.f();
		}
		this.now = until;
	}

	/** A server that lets everybody in, and has no messages. */
	friendly(): void {
		this.onDial = (l) => l.accept();
		this.onFrame = (f, l) => {
			if (f.login || f.resume) l.answer({ session: { session: "1", connection: "1", expiresS: String(Math.floor(this.serverTime() / 1000) + 86_400), heartbeatMs: 30_000, past: this.past } });
			if (f.sync) l.answer({ sync: {} });
			if (f.logout) l.answer({ logout: { known: true } });
			if (f.ping) l.answer({ ping: {} });
		};
	}
}

export function memoryCache(): CacheFile {
	return {
		load: async () => undefined,
		messages: async () => [],
		write: async () => {},
		onWriter: (all: () => CacheStep) => void all(),
		wipe: async () => {},
		close: () => {},
	};
}

import { Backoff } from "./backoff.ts";
import { Clock } from "./clock.ts";
import { CODE, ChatError } from "./codes.ts";
import { Queue } from "./queue.ts";
import { deliver, settle, type Courier } from "./courier.ts";
import { vacate } from "./leave.ts";
import { wake } from "./cycle.ts";
import type { Box } from "./box.ts";
import type { Call } from "./call.ts";
import type { Conn } from "./conn.ts";
import type { Environment, Keep, Socket } from "./environment.ts";
import type { Events } from "./events.ts";
import type { Journal, Place } from "./journal.ts";
import type { Seat } from "./seat.ts";
import type { Unsent } from "./unsent.ts";

/** The longest that a timer of a browser can wait, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export type Status = 1 | 2 | 3;
export const LOGINED = 1;
export const LOGINING = 2;
export const LOGOUT = 3;

/** The choices of a client. */
export interface Settings {
	app: number;
	/** Where the server is, spelled in one way: names it in what is kept. */
	server: string;
	platform: number;
	deviceName: string;
	loginWithin: number;
	warning: number;
	provider: ((userID: string) => Promise<string> | string) | undefined;
}

/** Calls a function later, until it is stopped. */
export interface Alarm {
	stop(): void;
}

/**
 * The client's state. Calls, frames and timers arrive as steps, one by one; none waits
 * for the network or for the app. What the steps do is in the files beside this one,
 * as functions of an engine.
 */
export class Engine {
	readonly env: Environment;
	readonly set: Settings;
	readonly clock: Clock;
	readonly queue: Queue;
	readonly courier: Courier;
	readonly conns = new Set<Conn>();
	/** That are being made. */
	readonly dialing = new Set<Socket>();
	readonly boxes: Box[] = [];
	/** Keeps what a reload must find; set before the first step. */
	journal!: Journal;
	keep!: Keep;
	/** Messages without an answer, once they were read. */
	unsent: Unsent[] | undefined;
	/** Messages that this client has sent, as "peer ID": the app knows of them. */
	readonly sent = new Set<string>();
	/** Who is in or coming in; undefined: nobody. */
	seat: Seat | undefined;
	/** Of the account named in the last login; undefined: nobody, or logged out. */
	named: Box | undefined;
	/** UserSigs that the server has called expired. */
	readonly dead = new Set<string>();
	/** When UserSigs end, as far as it was asked, in ms by the server's clock. */
	readonly ends = new Map<string, number>();
	/** When logins that cause traffic were made. */
	logins: number[] = [];
	closed = false;

	private readonly emit: <K extends keyof Events>(name: K, data: Events[K]) => void;
	private readonly alarms = new Set<Alarm>();
	private readonly sleepless: () => void;
	private depth = 0;

	constructor(env: Environment, set: Settings, emit: <K extends keyof Events>(name: K, data: Events[K]) => void) {
		this.env = env;
		this.set = set;
		this.emit = emit;
		this.clock = new Clock(() => env.now());
		this.queue = new Queue((error) => env.report(error));
		this.courier = { busy: false, alarm: undefined, hurried: false, failed: false, retry: new Backoff(() => env.random()) };
		this.sleepless = env.onWake(() => this.step(() => wake(this)));
	}

	/** Runs a step, and then what is due after each. */
	step(f: () => void): void {
		if (this.closed) return;
		this.depth++;
		try {
			f();
		} finally {
			this.depth--;
		}
		if (this.depth === 0 && this.journal) deliver(this);
	}

	/** Calls f as a step after ms, however long that is. */
	after(ms: number, f: () => void): Alarm {
		let end = () => {};
		const alarm = {
			stop: () => {
				end();
				this.alarms.delete(alarm);
			},
		};
		const sleep = (left: number) => {
			const now = Math.min(Math.max(left, 0), LONGEST_TIMER);
			end = this.env.after(now, () => {
				if (left > now) {
					sleep(left - now);
					return;
				}
				this.alarms.delete(alarm);
				this.step(f);
			});
		};
		if (!this.closed) {
			this.alarms.add(alarm);
			sleep(ms);
		}
		return alarm;
	}

	/** Tells every listener, in its turn. */
	raise<K extends keyof Events>(name: K, data: Events[K] | (() => Events[K] | undefined)): void {
		this.queue.push(() => {
			if (this.closed) return;
			const now = typeof data === "function" ? (data as () => Events[K] | undefined)() : data;
			if (now !== undefined) this.emit(name, now);
		});
	}

	/** Ends a call with its result, in its turn. */
	answer<T>(k: Call<T> | undefined, value: T): void {
		if (!k || k.answered) return;
		k.answered = true;
		this.queue.push(() => k.resolve(value));
	}

	refuse(k: Call | undefined, error: ChatError): void {
		if (!k || k.answered) return;
		k.answered = true;
		this.queue.push(() => k.reject(error));
	}

	get status(): Status {
		return !this.seat ? LOGOUT : this.seat.login ? LOGINING : LOGINED;
	}

	/** The account that is in; "" when nobody is, or not yet. */
	get user(): string {
		return this.seat && !this.seat.login ? this.seat.user : "";
	}

	place(user: string): Place {
		return { server: this.set.server, app: this.set.app, user };
	}

	/** Tells whether s is still the seat, and c the connection it goes by. */
	here(s: Seat, c: Conn): boolean {
		return this.seat === s && s.cycle.conn === c;
	}

	/** Ends the client. The session is left as it is: away from now on. */
	stop(): void {
		if (this.closed) return;
		this.queue.clear();
		if (this.seat) vacate(this, this.seat, new ChatError(CODE.INTERRUPTED, "the client was destroyed"));
		for (const l of this.journal?.logouts ?? []) settle(l);
		this.journal?.trySave();
		this.closed = true;
		for (const alarm of [...this.alarms]) alarm.stop();
		for (const c of [...this.conns]) c.hangUp();
		for (const socket of this.dialing) socket.close();
		for (const b of this.boxes) b.close();
		this.keep?.release?.();
		this.sleepless();
	}
}

import { int, parse, type ClientFrame, type ServerFrame } from "./wire.ts";
import type { Alarm, Engine } from "./engine.ts";
import type { Socket } from "./environment.ts";

/** A ping is to be answered within. */
const PONG_WITHIN = 10_000;

/** Why a connection ended. */
export interface Loss {
	/** The close code; 0 or 1005, 1006: the server said none. */
	code: number;
	/** In ms, not before; 0 if it did not say. */
	retryAfterMs: number;
}

/** Whether the server asks to come back, in words of its own. */
export const asksBack = (l: Loss): boolean => l.code >= 4000 && l.code < 4500;
/** Whether the server asks not to come back. */
export const sendsAway = (l: Loss): boolean => l.code >= 4500 && l.code <= 4999;

/** Reads a close frame's words: the code's name, then name=value pairs. */
export function lossOf(code: number, reason: string): Loss {
	const ms = Number(/(?:^| )retry_after_ms=(\d{1,10})(?: |$)/.exec(reason)?.[1] ?? 0);
	return { code, retryAfterMs: ms <= 0xffffffff ? ms : 0 };
}

/** One connection that stands. */
export class Conn {
	up = true;
	private last = 0;
	private readonly asks = new Map<number, (f: ServerFrame | undefined) => void>();
	private readonly engine: Engine;
	private readonly socket: Socket;
	private readonly pushed: (c: Conn, f: ServerFrame) => void;
	private readonly lost: (c: Conn, l: Loss) => void;
	private heartbeat: Alarm | undefined;
	private interval = 0;

	/** pushed hears frames that answer nothing, lost hears of the end, unless we hung up. */
	constructor(e: Engine, socket: Socket, pushed: (c: Conn, f: ServerFrame) => void, lost: (c: Conn, l: Loss) => void) {
		this.engine = e;
		this.socket = socket;
		this.pushed = pushed;
		this.lost = lost;
		e.conns.add(this);
	}

	received(text: string): void {
		if (!this.up) return;
		const f = parse(text);
		if (!f) {
			this.ended(0, "");
			return;
		}
		this.engine.clock.hear(int(f.timeMs));
		const id = int(f.id);
		if (id === 0) {
			this.pushed(this, f);
			return;
		}
		const answer = this.asks.get(id);
		this.asks.delete(id);
		answer?.(f);
	}

	/** The socket has ended, or is to be given up. */
	ended(code: number, reason: string): void {
		if (!this.up) return;
		this.hangUp();
		this.lost(this, lossOf(code, reason));
	}

	/**
	 * Ends it from our side: what was sent is written, what comes is no longer read,
	 * what was asked gets no answer. It may be repeated.
	 */
	hangUp(): void {
		if (!this.up) return;
		this.up = false;
		this.engine.conns.delete(this);
		this.heartbeat?.stop();
		this.socket.close();
		for (const answer of this.asks.values()) answer(undefined);
		this.asks.clear();
	}

	/** Writes a request that has no answer. */
	send(f: ClientFrame): void {
		if (this.up) this.socket.send(JSON.stringify(f));
	}

	/** Writes a request; then is called with the answer, or with nothing when the connection ended before it. */
	ask(f: ClientFrame, then: (f: ServerFrame | undefined) => void): void {
		if (!this.up) {
			then(undefined);
			return;
		}
		this.asks.set(++this.last, then);
		this.send({ id: String(this.last), ...f });
	}

	/** Lets the server hear of us at least every interval, and notices when it is no longer there. */
	keepAlive(interval: number): void {
		this.interval = interval;
		this.heartbeat?.stop();
		this.heartbeat = this.engine.after(interval, () => this.probe());
	}

	/** Asks whether the server is there, now. */
	probe(): void {
		if (!this.up) return;
		this.heartbeat?.stop();
		this.heartbeat = this.engine.after(PONG_WITHIN, () => this.ended(0, ""));
		this.ask({ ping: {} }, (f) => f && this.keepAlive(this.interval));
	}
}

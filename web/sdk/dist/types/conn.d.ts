import { type ClientFrame, type ServerFrame } from "./wire.ts";
import type { Engine } from "./engine.ts";
import type { Socket } from "./environment.ts";
/** Why a connection ended. */
export interface Loss {
    /** The close code; 0 or 1005, 1006: the server said none. */
    code: number;
    /** In ms, not before; 0 if it did not say. */
    retryAfterMs: number;
}
/** Whether the server asks to come back, in words of its own. */
export declare const asksBack: (l: Loss) => boolean;
/** Whether the server asks not to come back. */
export declare const sendsAway: (l: Loss) => boolean;
/** Reads a close frame's words: the code's name, then name=value pairs. */
export declare function lossOf(code: number, reason: string): Loss;
/** One connection that stands. */
export declare class Conn {
    up: boolean;
    private last;
    private readonly asks;
    private readonly engine;
    private readonly socket;
    private readonly pushed;
    private readonly lost;
    private heartbeat;
    private interval;
    /** pushed hears frames that answer nothing, lost hears of the end, unless we hung up. */
    constructor(e: Engine, socket: Socket, pushed: (c: Conn, f: ServerFrame) => void, lost: (c: Conn, l: Loss) => void);
    received(text: string): void;
    /** The socket has ended, or is to be given up. */
    ended(code: number, reason: string): void;
    /**
     * Ends it from our side: what was sent is written, what comes is no longer read,
     * what was asked gets no answer. It may be repeated.
     */
    hangUp(): void;
    /** Writes a request that has no answer. */
    send(f: ClientFrame): void;
    /** Writes a request; then is called with the answer, or with nothing when the connection ended before it. */
    ask(f: ClientFrame, then: (f: ServerFrame | undefined) => void): void;
    /** Lets the server hear of us at least every interval, and notices when it is no longer there. */
    keepAlive(interval: number): void;
    /** Asks whether the server is there, now. */
    probe(): void;
}

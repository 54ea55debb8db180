import { Clock } from "./clock.ts";
import { ChatError } from "./codes.ts";
import { Queue } from "./queue.ts";
import { type Courier } from "./courier.ts";
import type { Box } from "./box.ts";
import type { Call } from "./call.ts";
import type { Conn } from "./conn.ts";
import type { Environment, Keep, Socket } from "./environment.ts";
import type { Events } from "./events.ts";
import type { Journal, Place } from "./journal.ts";
import type { Seat } from "./seat.ts";
import type { Unsent } from "./unsent.ts";
export type Status = 1 | 2 | 3;
export declare const LOGINED = 1;
export declare const LOGINING = 2;
export declare const LOGOUT = 3;
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
export declare class Engine {
    readonly env: Environment;
    readonly set: Settings;
    readonly clock: Clock;
    readonly queue: Queue;
    readonly courier: Courier;
    readonly conns: Set<Conn>;
    /** That are being made. */
    readonly dialing: Set<Socket>;
    readonly boxes: Box[];
    /** Keeps what a reload must find; set before the first step. */
    journal: Journal;
    keep: Keep;
    /** Messages without an answer, once they were read. */
    unsent: Unsent[] | undefined;
    /** Messages that this client has sent, as "peer ID": the app knows of them. */
    readonly sent: Set<string>;
    /** Who is in or coming in; undefined: nobody. */
    seat: Seat | undefined;
    /** Of the account named in the last login; undefined: nobody, or logged out. */
    named: Box | undefined;
    /** UserSigs that the server has called expired. */
    readonly dead: Set<string>;
    /** When UserSigs end, as far as it was asked, in ms by the server's clock. */
    readonly ends: Map<string, number>;
    /** When logins that cause traffic were made. */
    logins: number[];
    closed: boolean;
    private readonly emit;
    private readonly alarms;
    private readonly sleepless;
    private depth;
    constructor(env: Environment, set: Settings, emit: <K extends keyof Events>(name: K, data: Events[K]) => void);
    /** Runs a step, and then what is due after each. */
    step(f: () => void): void;
    /** Calls f as a step after ms, however long that is. */
    after(ms: number, f: () => void): Alarm;
    /** Tells every listener, in its turn. */
    raise<K extends keyof Events>(name: K, data: Events[K] | (() => Events[K] | undefined)): void;
    /** Ends a call with its result, in its turn. */
    answer<T>(k: Call<T> | undefined, value: T): void;
    refuse(k: Call | undefined, error: ChatError): void;
    get status(): Status;
    /** The account that is in; "" when nobody is, or not yet. */
    get user(): string;
    place(user: string): Place;
    /** Tells whether s is still the seat, and c the connection it goes by. */
    here(s: Seat, c: Conn): boolean;
    /** Ends the client. The session is left as it is: away from now on. */
    stop(): void;
}

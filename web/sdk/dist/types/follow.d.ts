import { Backoff } from "./backoff.ts";
import { type Change } from "./wire.ts";
import type { Alarm, Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/**
 * Brings what is known of who is in to what the server has: the conversations that
 * changed, then the messages that they lack. One request is on its way at a time.
 */
export interface Follower {
    busy: boolean;
    /** What has changed is being asked for, and not only later. */
    asking: boolean;
    /** The server knows no messages. */
    off: boolean;
    /** The highest change number heard of. */
    seen: number;
    /** When the session was granted, in ms by the server's clock. */
    born: number;
    /** Answers in a row that were out of date. */
    stale: number;
    /** Of the request that is waited for. */
    serial: number;
    alarm: Alarm | undefined;
    retry: Backoff;
}
export declare function newFollower(e: Engine): Follower;
/** Begins when a session is served on a new connection, by a server that names its past. */
export declare function follow(e: Engine, s: Seat, past: string): void;
/** Takes a change that the server pushed, or answered a request with. */
export declare function changed(e: Engine, s: Seat, c: Change): void;

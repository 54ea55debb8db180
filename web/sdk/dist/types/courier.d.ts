import { type Backoff } from "./backoff.ts";
import type { Alarm, Engine } from "./engine.ts";
import type { Conn } from "./conn.ts";
import type { Logout } from "./journal.ts";
/**
 * Delivers pending logouts while nobody is in whose connection could take them along.
 * There is one at a time.
 */
export interface Courier {
    busy: boolean;
    /** Until it sets out. */
    alarm: Alarm | undefined;
    /** The next one sets out at once. */
    hurried: boolean;
    /** Something was not delivered since it set out. */
    failed: boolean;
    retry: Backoff;
}
/** Those that could be sent now. */
export declare function pendingLogouts(e: Engine): Logout[];
/** Sees to it that pending logouts go out: called after each step. */
export declare function deliver(e: Engine): void;
/** Sends logouts on c. Their try numbers are kept before; if that fails nothing is sent. */
export declare function sendLogouts(e: Engine, c: Conn, out: Logout[]): boolean;
/** Tells those who wait for l that it was answered, or that it could not be delivered now. */
export declare function settle(l: Logout): void;
/** Calls f when all of these were answered, or could not be delivered now. */
export declare function settled(out: Logout[], f: () => void): void;
/** Lets the courier set out at once: somebody waits for it. */
export declare function hurry(e: Engine): void;
export declare function acknowledge(c: Conn, session: number): void;
/** Ends a connection with the logouts of what it served, or was to. Without a connection the courier takes them. */
export declare function farewell(e: Engine, c: Conn | undefined, left: Logout[]): void;

import { ChatError } from "./codes.ts";
import type { Box } from "./box.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";
/** What a request is about, beside its frame. */
export interface Asked<T> {
    frame: ClientFrame;
    take: (f: ServerFrame) => T | undefined;
    box?: Box;
    hear?: (s: Seat, f: ServerFrame) => void;
}
/** Sends a request, or says why it cannot be sent. */
export declare function request<T>(e: Engine, asked: Asked<T>): Promise<T>;
export declare const closed: () => ChatError;
export declare const notLoggedIn: () => ChatError;
/** Ends those that get no answer any more because the connection has gone and the account is still in. */
export declare const loseRequests: (e: Engine, s: Seat) => void;
/** Ends all that wait, because nobody is in any more or because of the connection. */
export declare function endRequests(e: Engine, s: Seat, error: ChatError): void;

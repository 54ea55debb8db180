import type { Engine } from "./engine.ts";
import type { Message } from "./types.ts";
import type { Place } from "./journal.ts";
export interface Unsent extends Place {
    message: Message;
}
export declare function keepUnsent(e: Engine, p: Place, message: Message): void;
/** The server has it, or the app does not want it any more. */
export declare function forgetUnsent(e: Engine, user: string, peer: string, id: string): void;
/** Those of an account to another one, in the order in which they were sent. */
export declare function unsentTo(e: Engine, user: string, peer: string): Message[];

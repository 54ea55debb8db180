import type { ChatError } from "./codes.ts";
import type { Alarm } from "./engine.ts";
import type { Box } from "./box.ts";
import type { Seat } from "./seat.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";
/** A call of the app that waits for its result. It is answered once. */
export declare class Call<T = unknown> {
    user: string;
    readonly userSig: string;
    answered: boolean;
    readonly promise: Promise<T>;
    resolve: (value: T) => void;
    reject: (error: ChatError) => void;
    constructor(user?: string, userSig?: string);
}
/**
 * A call that only who is in can make. It is sent at once or not at all, and never
 * again: whether the server has carried it out when no answer came, nobody here knows.
 */
export interface Request {
    call: Call;
    frame: ClientFrame;
    /** Who must be in for it; undefined: whoever is. */
    box: Box | undefined;
    /** Hears the answer first, also a late one. */
    hear: ((s: Seat, f: ServerFrame) => void) | undefined;
    /** Makes the result of the answer; undefined: it is none. */
    take: (f: ServerFrame) => unknown;
    late: Alarm | undefined;
}

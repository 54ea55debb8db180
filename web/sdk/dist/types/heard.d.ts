import type { Engine } from "./engine.ts";
/** What the app has heard of an account's messages. */
export declare class Heard {
    /** The server's name for the past that it is of. */
    past: string;
    private readonly engine;
    private readonly owner;
    private peers;
    constructor(e: Engine, owner: string);
    /** Up to which message of a conversation; undefined: it is not known here. */
    of(peer: string): number | undefined;
    mark(peer: string, sequence: number): void;
    /** Begins with nothing, of this past. */
    clear(past: string): void;
    /** Returns when it is kept, if it can be. */
    save(): void;
}

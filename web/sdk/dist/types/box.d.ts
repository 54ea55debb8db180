import { Heard } from "./heard.ts";
import { type WireMessage } from "./wire.ts";
import { Model, type Row } from "./model.ts";
import type { Engine } from "./engine.ts";
import type { Place } from "./journal.ts";
/**
 * What the client holds of an account's conversations. It outlives seats: the app may
 * read it while nobody is in.
 */
export declare class Box {
    readonly place: Place;
    readonly model: Model;
    /** Its account is in. */
    live: boolean;
    /** What was kept has been read. */
    loaded: boolean;
    readonly ready: Promise<void>;
    /** Unread messages, as told last. */
    total: number;
    /** The list is to be told, and has not been yet. */
    listWaits: boolean;
    readonly heard: Heard;
    private readonly file;
    private readonly engine;
    private written;
    private readers;
    private writer;
    private failed;
    constructor(e: Engine, p: Place);
    private load;
    /** Keeps what has changed, in the background. */
    save(): void;
    /** Lets go of older messages once they are kept, unless somebody reads. */
    private trim;
    /** Calls read, and lets go of no message until it is done. */
    holding<T>(read: () => Promise<T>): Promise<T>;
    /** The messages from first to last that are here, the newest so many of them, lowest first. */
    messages(row: Row, first: number, last: number, count: number): Promise<WireMessage[]>;
    /** The same, of those that the storage has. */
    kept(row: Row, first: number, last: number, count: number): Promise<WireMessage[]>;
    /** Counts messages as heard, before the app hears of them. */
    hears(told: {
        row: Row;
        upTo: number;
    }[]): void;
    /** Forgets what is of another past than the server's. */
    forget(): void;
    /** Goes by the server's name for its past, "" if it has none: another one than before is one that was set back. */
    of(past: string): void;
    wipe(): Promise<void>;
    close(): void;
    /** What was kept is gone; or, with a reason, nothing is kept any more. */
    private lost;
    /** The storage is of no use: the client goes on in memory, and says so once. */
    private broken;
}
/** The box of p, if it is open, or one that nobody keeps. */
export declare const boxOf: (e: Engine, p: Place) => Box;
/** Makes p the account whose conversations can be read. */
export declare function nameBox(e: Engine, p: Place): Box;

import type { Environment, Keep } from "./environment.ts";
/** Where an account is: the same UserID elsewhere is somebody else. */
export interface Place {
    server: string;
    app: number;
    user: string;
}
/** What this device knows of its last session of an account. */
export interface Record extends Place {
    /** The last one that a login was answered with. */
    session: number;
    /** The session whose end the app has been told of. */
    kickSeen: number;
    /** SHA-256 of its fixed half. */
    proof: string;
}
/**
 * A pending logout: it ends the session of one attempt, and is kept until the server
 * has answered it. An attempt lies here from before it is sent until it is answered,
 * held back: found at the next start, it is one that nobody will answer any more.
 */
export interface Logout extends Place {
    fixed: string;
    /** SHA-256 of it; "" while it is not known. */
    proof: string;
    /** Proves an attempt that the server does not know; never kept. */
    userSig: string;
    held: boolean;
    /** Answered "not known" once. */
    again: boolean;
    /** Not to be sent before. */
    due: number;
    /** On how many connections it is on its way. */
    flying: number;
    /** To be told that it was answered, or could not be delivered now. */
    settled: (() => void)[];
}
export declare function newLogout(place: Place, fixed: string, proof: string, userSig: string, held: boolean): Logout;
export declare class Journal {
    device: string;
    try: number;
    records: Record[];
    logouts: Logout[];
    private readonly env;
    private readonly keep;
    constructor(env: Environment, keep: Keep);
    /** Makes this a new device, whose try numbers begin anew. */
    renew(): void;
    /** Draws a half of a secret. */
    half(): string;
    /** Finds the proof of a fixed half: long before it is wanted. */
    prove(fixed: string, found: (proof: string) => void): void;
    /** Keeps the state; throws when it cannot be. */
    save(): void;
    /** Keeps the state if it can be: what is lost then does no harm, or is told by the next save. */
    trySave(): void;
    /** The record of a place, made if need be; the one used last is the last. */
    record(p: Place): Record;
    add(l: Logout): void;
    remove(l: Logout): void;
    /** The fixed halves that this device has sent for a place and got no answer to, the latest first. */
    unanswered(p: Place): Logout[];
}

/** The subprotocol of frames in JSON. */
export declare const PROTOCOL = "rollcall.v1.json";
/** Where a server takes connections, below its address. */
export declare const PATH = "/v1/connect";
/** Where try numbers end. */
export declare const MAX_TRY: number;
/** How many bytes a half of a secret has. */
export declare const HALF_BYTES = 16;
/** At most so many proofs in a login. */
export declare const MAX_PROOFS = 8;
/** Messages are at most so large, with everything in them. */
export declare const MAX_MESSAGE_BYTES: number;
/** A number on the wire: 64-bit ones are strings. */
export type Int = string | number;
/** A request of the client: one of these, and its number. */
export interface ClientFrame {
    id?: string;
    login?: object;
    resume?: object;
    logout?: object;
    renew?: object;
    ping?: object;
    acknowledgement?: object;
    listSessions?: object;
    signOut?: object;
    send?: object;
    sync?: object;
    listMessages?: object;
    markRead?: object;
    pin?: object;
    deleteConversation?: object;
    recall?: object;
    deleteMessages?: object;
}
export interface ServerFrame {
    id?: Int;
    timeMs?: Int;
    refusal?: Refusal;
    session?: SessionAnswer;
    stale?: {
        highest?: Int;
    };
    loginAgain?: object;
    logout?: {
        known?: boolean;
    };
    renew?: {
        expiresS?: Int;
    };
    ping?: object;
    notice?: Notice;
    sessions?: {
        sessions?: SessionInfo[];
    };
    signOut?: {
        count?: Int;
        validFromS?: Int;
    };
    change?: Change;
    sync?: SyncAnswer;
    messages?: MessagesAnswer;
}
export interface Refusal {
    code?: number;
    text?: string;
    retryAfterMs?: number;
    kicked?: Notice;
}
export interface SessionAnswer {
    session?: Int;
    connection?: Int;
    expiresS?: Int;
    heartbeatMs?: number;
    renewalCode?: number;
    renewalText?: string;
    past?: string;
}
export interface Notice {
    session?: Int;
    reason?: string;
    code?: number;
    text?: string;
    atMs?: Int;
    bySession?: Int;
    byPlatform?: number;
    byDeviceName?: string;
    expired?: boolean;
    byRule?: string;
    byLimit?: number;
}
export interface SessionInfo {
    session?: Int;
    platform?: number;
    deviceId?: string;
    deviceName?: string;
    loginMs?: Int;
    awaySinceMs?: Int;
    address?: string;
    current?: boolean;
}
export interface Content {
    text?: string;
    custom?: {
        data?: string;
        description?: string;
        extension?: string;
    };
    cloudCustomData?: string;
}
export interface WireMessage {
    sequence?: Int;
    sender?: string;
    messageId?: string;
    timeMs?: Int;
    content?: Content;
    recalled?: boolean;
}
export interface View {
    peer?: string;
    change?: Int;
    lastSequence?: Int;
    lastMessage?: WireMessage;
    readSequence?: Int;
    peerReadSequence?: Int;
    unread?: number;
    pinned?: boolean;
    deletedSequence?: Int;
    deleted?: boolean;
}
export interface Change {
    number?: Int;
    conversation?: View;
    messages?: WireMessage[];
    deleted?: Int[];
}
export interface SyncAnswer {
    conversations?: View[];
    change?: Int;
    more?: boolean;
    alterations?: Alterations[];
}
export interface Alterations {
    peer?: string;
    recalled?: Int[];
    deleted?: Int[];
    all?: boolean;
}
export interface MessagesAnswer {
    messages?: WireMessage[];
    fromSequence?: Int;
    toSequence?: Int;
    complete?: boolean;
    keptFrom?: Int;
    change?: Int;
}
/** The number that a member holds; what is missing or none is 0. */
export declare function int(x: Int | undefined): number;
export declare const isUserID: (s: unknown) => s is string;
/** A sentence from elsewhere as one line for people: nothing in it moves a cursor. */
export declare function line(text: unknown): string;
/** Reads a frame; undefined: it is none. */
export declare function parse(text: string): ServerFrame | undefined;
export declare function toBase64(bytes: Uint8Array): string;
/** The bytes that text names; what is no base64 are none. */
export declare function fromBase64(text: string): Uint8Array;
export declare const bytesOf: (text: string) => Uint8Array;
export declare const textOf: (bytes: Uint8Array) => string;
/** How many bytes a message's content has in the schema's binary form. */
export declare function contentBytes(c: Content): number;

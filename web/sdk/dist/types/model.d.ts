import { type Asked, type Span } from "./spans.ts";
import { type Alterations, type Change, type MessagesAnswer, type View, type WireMessage } from "./wire.ts";
import type { CacheStep } from "./environment.ts";
/** So many missed messages of a conversation are told, the latest. */
export declare const MOST_TOLD = 1000;
export interface Row {
    peer: string;
    view: View;
    /** Spans of sequences of which nothing is missing, lowest first. */
    spans: Span[];
    /** The messages up to here are on their way to the app; -1: what is said from now on is news. */
    told: number;
    /** The app has heard of the messages up to here. */
    heard: number;
    /** The change number with which a message was last recalled or deleted. */
    altered: number;
    /** What is here of these may have been recalled or deleted meanwhile. */
    look: Span | undefined;
    /** undefined: deleted. */
    messages: Map<number, WireMessage | undefined>;
}
/** A message of a conversation, for the app. */
export interface Item {
    row: Row;
    message: WireMessage;
}
/** What a step has changed, for the app. */
export interface News {
    changed: boolean;
    received: Item[];
    /** Up to which message of a conversation the app has heard with these. */
    told: {
        row: Row;
        upTo: number;
    }[];
    recalled: Item[];
    read: Item[];
    /** Something before it was missed: ask what. */
    missed: boolean;
}
export declare const noNews: () => News;
export declare class Model {
    /** The account whose conversations these are. */
    user: string;
    /** The server's name for the past that all this is of; "" is not known. */
    past: string;
    /** The change number seen. */
    change: number;
    /** That up to which recalls and deletions were seen, too. */
    whole: number;
    /** The whole list was here once. */
    synced: boolean;
    readonly rows: Map<string, Row>;
    /** Up to where the app has heard of a conversation that is new here, if it has. */
    heard: (peer: string) => number | undefined;
    private touched;
    /** Begins with what was kept. */
    load({ past, change, whole, rows }: Omit<CacheStep, "messages">): void;
    clear(): void;
    /** Those of the list: pinned ones first, then by their last message. */
    list(): Row[];
    get unread(): number;
    /** Takes a view, unless a newer one is here. Not one that names somebody who cannot be. */
    view(v: View, news: News, told?: number): Row | undefined;
    /** Takes a change that was pushed, or that answers a request. */
    take(c: Change, news: News): void;
    /** Takes what became of messages while the device was away, up to a change. Those that are kept are in memory. */
    alter(x: Alterations, change: number, news: News): void;
    /**
     * Takes a page of messages. Of what it spans, nothing is but what is in it. False: it
     * is not taken, since it is from before something was recalled or deleted.
     */
    page(row: Row, q: Asked, a: MessagesAnswer, news: News): boolean;
    /** Up to where nothing is missing from a sequence on. */
    reach(row: Row, from: number): number;
    /** The sequences from first to last that may be missing here. */
    gaps(row: Row, first: number, last: number): Span[];
    /** Whether messages from first to last are here, and not in memory. */
    lacks(row: Row, first: number, last: number): boolean;
    /** Takes messages that were kept into memory, unless it knows better. */
    bring(row: Row, list: WireMessage[]): void;
    /** What has changed since it was asked last, to be kept. */
    step(): CacheStep;
    /** All that is here. */
    all(): CacheStep;
    /** Lets go of older messages; keeps tells whether the storage has them. */
    trim(row: Row, keeps: boolean): void;
    /** Lets go of all older messages: they are not kept any more. */
    countOnMemory(): void;
    /** The app has heard of the messages up to a sequence. */
    hears(row: Row, sequence: number): void;
    private touch;
    /** One of the two sides has sent it: a server that names anybody else is not to be believed. */
    private saidIn;
    private put;
    private remove;
    private removeEach;
    private cover;
}

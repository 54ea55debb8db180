import { type MessagesAnswer } from "./wire.ts";
/** Sequences, both ends included. */
export type Span = [first: number, last: number];
/** What a page of messages was asked for with. */
export interface Asked {
    /** Those before it; 0 with `after` 0: the newest. */
    before: number;
    /** Those after it. */
    after: number;
    /** The latest message, as was known then. */
    last: number;
}
export declare const holds: ([first, last]: Span, n: number) => boolean;
/** Spans that have come together with another one, lowest first. */
export declare function joined(spans: Span[], span: Span): Span[];
/** What of a span is in none of these, which stand lowest first. */
export declare function without([first, last]: Span, spans: Span[]): Span[];
/** What a page spans: between what was asked for and the page's far end the server has nothing else. */
export declare function spanOf(q: Asked, a: MessagesAnswer): Span;

/** Nobody is sent away for good: a server may ask for so much, in ms. */
export declare const LONGEST_HINT = 3600000;
/**
 * How long to wait before trying again: a time between nothing and a ceiling that
 * doubles with each try ("full jitter"), so that many clients that lost the same
 * server at the same moment come back spread over time. A server that says when to
 * come back is believed, and its clients are spread after that moment.
 */
export declare class Backoff {
    private ceiling;
    private readonly random;
    private readonly cap;
    constructor(random: () => number, capMs?: number);
    next(hintMs?: number): number;
    /** Makes the next wait a first one again. */
    reset(): void;
}

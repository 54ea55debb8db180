/**
 * Runs results and events one after the other, in the order in which they were put
 * in. Between two of them whoever waits for a result by await or then has run.
 */
export declare class Queue {
    private items;
    private running;
    private readonly report;
    constructor(report: (error: unknown) => void);
    push(item: () => void): void;
    /** Forgets what waits; what is put in later runs. */
    clear(): void;
    private run;
}

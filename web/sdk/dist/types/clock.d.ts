/** The server's clock: what a frame said, carried on by the device's steady one. */
export declare class Clock {
    private server;
    private heard;
    private readonly steady;
    constructor(steady: () => number);
    /** Takes the time out of a frame; what is no time is passed over. */
    hear(ms: number): void;
    /** Tells whether the server's time was heard within the last minute. */
    believed(): boolean;
    /** In whole ms since 1970 UTC; 0 before the first frame. */
    now(): number;
}

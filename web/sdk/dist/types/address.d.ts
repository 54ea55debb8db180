/** The server's address, spelled in one way. */
export declare function serverURL(address: string): string;

import type { ConversationUpdate, KickedOut, NetState, MessageEvent, ReadEvent, TotalUnread, UserSigEnds } from "./types.ts";
/** What is told under which name. */
export interface Events {
    sdkStateReady: undefined | null;
    sdkStateNotReady: undefined | null;
    kickedOut: KickedOut;
    netStateChange: NetState;
    error: {
        code: number;
        message: string;
    };
    userSigWillExpire: UserSigEnds;
    onMessageReceived: MessageEvent;
    onMessageRevoked: MessageEvent;
    onMessageReadByPeer: ReadEvent;
    onConversationListUpdated: ConversationUpdate;
    onTotalUnreadMessageCountUpdated: TotalUnread;
}

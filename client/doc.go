// Package client is Rollcall's SDK for Go: it logs an account in and keeps it
// in.
//
//	c, err := client.Open(1400000000, "wss://im.example.com", client.Options{DataDirectory: dir})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	c.AddListener(client.Listener{KickedOffline: func(k client.Kick) { ... }})
//	err = c.Login(ctx, "alice", userSig) // from the app's own server
//
// A login makes a session, which outlives its connections: when the network is
// lost, the client comes back by itself, and the app need do nothing. A session
// ends by Logout, by a login of another account, or by the server's word, which
// the app hears as KickedOffline or UserSigExpired.
//
// Who is in sends and receives messages (SendText, Listener.NewMessage) and has a
// list of conversations. What this device holds of them can be read without the
// network.
//
// A UserSig ends. UserSigWillExpire says so ahead of time, and
// [Client.RenewUserSig] gives the session another; or the app hands in a function,
// [Options].UserSig, that the client asks for one whenever it needs it.
//
// Where else the account is logged in [Client.Sessions] lists; [Client.SignOut] and
// [Client.SignOutOthers] end those sessions, with the account's UserSigs if wanted.
//
// Login, Logout, RenewUserSig and the others block until there is a result. Each has
// a Start form that returns at once and brings the result as a callback.
//
// # What callers may rely on
//
//   - When Login returns nil, the session is the server's as well as ours, and
//     durable there.
//   - A login that ended without an answer leaves nothing behind: whatever the
//     server made of it is logged out, if need be by the next client on the data
//     directory.
//   - A UserSig that ends soon is told once, in time to renew it.
//   - A session that has ended is told once: by Login's error, or by a callback.
//   - After a kick, an expired UserSig or a logout nothing comes back by itself.
//   - A UserSig that the server has called expired is never sent again.
//   - Callbacks come one after the other, in the order in which things happened.
//     None about a session is dropped or merged. They may call everything.
//   - A message that was sent is durable when Send returns nil, and is one message
//     however often it is sent with the same id.
//   - A message is told once and in the order of its conversation, and none after
//     a kick or a logout.
//   - What is read from the cache is of the account that was named last.
//   - No UserSig is written to disk, and no secret to the log.
//
// The manual, with all errors and orders, is docs/client.md. The vendor's names for
// the same are in package v2tim. Codes: package imcode.
package client

// One goroutine owns the state (engine), one delivers the callbacks (queue), and
// each connection has two. The rules behind it are docs/protocol.md's.

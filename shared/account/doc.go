// Package account is who uses Parley: signing up, logging in, staying logged in,
// proving an address, and leaving. It knows nothing of tables, mail services or
// HTTP.
//
// # Unique, under races
//
// An e-mail address and a phone number belong to one account. Each has a guard,
// written in the same transaction as the account, so that of two sign-ups at the
// same moment exactly one succeeds.
//
// # An address nobody verified doesn't keep its owner out
//
// Anybody can sign up with somebody else's address. So what an account holds is
// firm only once its e-mail address was verified. Until then:
//
//   - After ClaimFor a new sign-up with the address, or the phone number, takes it
//     over in its own transaction; the old account loses it.
//   - A password reset by mail proves who reads that address. It marks the address
//     verified, replaces the stranger's password and ends every session.
//
// # Sessions
//
// A log-in starts a session, called a family because its refresh tokens descend
// from each other: each is good once and gives the next. A token that comes back
// after its use has been copied, so the whole family ends. A client that lost the
// answer to a refresh looks the same and has to log in again; that is the price.
// Every account has an epoch. What must end all sessions raises it in the same
// write as the change itself, and a session of an older epoch is void, also if
// its row is still there. Access tokens live on for at most auth.AccessTTL.
//
// # Keys
//
// A personal access token lets a program in for its owner until it is deleted or
// expires. It belongs to the epoch in which it was made, so that a reset of the
// password ends it with the sessions: whoever was in the account may have made
// it. For the same reason only an access token of the present epoch makes one.
// There are at most MaxPATs, also of those that are made at the same moment: the
// profile counts them, and a token is written only if nobody counted meanwhile.
//
// # Guessing passwords
//
// Log-ins are throttled per address, per account, and per pair of both: beyond a
// few failures each further try has to wait longer. A network from which the
// owner has logged in before is exempt from the account's own limit, so that a
// stranger's failures elsewhere don't lock the owner out. An unknown e-mail
// address costs the same calls and the same hashing as a wrong password.
package account

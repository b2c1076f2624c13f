// Package auth says who calls, and proves it.
//
// # Access tokens
//
// An access token is a JWT signed with ES256 that lives for AccessTTL. A function
// checks it by itself: algorithm, issuer and audience are pinned, and the key is
// looked up by the header's kid in a Keyring, never taken from the token.
//
// # Keys
//
// A signing key is made by KMS and stored encrypted; a Signer has it opened once
// and signs in memory. Rotate publishes the next key a lead ahead of the moment
// when signers turn to it, and retires the old one only after the last token
// signed by it has expired. So every token is checked by a key that all verifiers
// could have read long before, and a rotation logs nobody out.
//
// A key that leaked is revoked by deleting its row: verifiers forget it within
// ringAge, the next run of Rotate makes another at once, and clients get a new
// access token by their refresh token.
//
// # Opaque tokens
//
// Refresh and Mailed tokens, and personal access tokens (PAT), carry the address
// of a row and a secret of 256 random bits. The row keeps only the secret's hash.
//
// A PAT lasts until it is deleted, or to an end that its owner chose, and is good
// for the OpenAI-compatible endpoints only: everywhere else a Verifier refuses it.
// Whatever ends all of a user's sessions, a password reset first of all, ends the
// user's PATs with them, because whoever was in the account may have made some.
package auth

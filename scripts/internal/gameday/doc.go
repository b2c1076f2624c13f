// Package gameday loses a region: the runbook of docs/regions.md as a test.
//
// Two regions run as two whole stacks, each with an embedded AWS, a Valkey, a worker
// and a relay of its own. Between them lies what AWS supplies in production and an
// emulator doesn't:
//
//   - Network leads a call to the region that it is signed for, as AWS's addresses do,
//     and can cut a region off. It also makes one multi-Region key of the two KMS.
//   - Replica copies what is written in one region's tables to the other's, the last
//     writer wins, as global tables do; it can be held back.
//   - the test's clients go where a resolver sends them, which asks each region's
//     /readyz, as Route 53 does.
//
// A region is lost in two ways at once. Its fleet and its Valkey are killed, by
// SIGKILL, with all that they hold. Its AWS is cut off, which ends all calls under way
// and refuses new ones from anywhere, functions of that region included, and keeps
// tables and queues: AWS loses neither with a region, the emulator would.
package gameday

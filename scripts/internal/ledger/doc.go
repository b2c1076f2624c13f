// Package ledger counts what Parley's operations cost: calls, capacity units,
// bytes and round trips, exactly.
//
// A Recorder is a reverse proxy between a process and the AWS that it talks to.
// It asks DynamoDB for the capacity of each call, notes every call, and can hold,
// drop or outlive any of them, so that a test can kill a function between any two
// of its steps. A Wire does the same for Valkey, without the killing.
//
// The kept figures are docs/ledger.json. They are ceilings: the ledger test fails
// above them, and says when there is room to lower them. docs/cost.md is written
// from them and docs/prices.json; its test fails when the three don't match.
package ledger

// Package stack runs all of Parley on one machine: the embedded AWS with
// template.yaml deployed to it by SAM CLI, Valkey, the engine with the small
// model, and the fleet (worker and relay) beside it.
//
// Tour, bottom up:
//
//   - options.go says what can be set, and fills in the rest;
//   - process.go starts and stops one program; keeper.go all of them, and
//     notices when one dies;
//   - cloud.go asks the embedded AWS what a deployment needs to know;
//   - build.go and deploy.go build and deploy, unless nothing has changed;
//   - parts.go describes the programs; stack.go puts everything in order.
//
// Promises: nothing listens beyond loopback; whatever was started is gone
// when Stop returns, and also (on Linux) when this process is killed; data in
// Options.Data survive a Stop, and the next Start finds them.
package stack

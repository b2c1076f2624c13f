// Package runtimeapi runs compiled Lambda functions on this machine the way
// Lambda does: it starts a function's binary, serves it the Runtime API
// (version 2018-06-01) on loopback, and hands it one event at a time.
//
// Environment is one execution environment: one process. Function is what a
// caller of Lambda sees: it starts as many environments as there are events at
// once. Nothing of a function is replaced, so what is measured or killed here is
// what would run in production.
package runtimeapi

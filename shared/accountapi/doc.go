// Package accountapi is the HTTP side of accounts: which call does what, with
// which body and status. Each function returns the routes of one Lambda function;
// what the calls mean is in package account.
package accountapi

// Package bill is the domain of what Parley costs: it makes a month's bill for
// finance of the lines that Lambda logs, of the records of what replies have used,
// and of the provider's own invoice.
//
// The way is: lines and records → a Partial for each hour (Lines, Turns) → a merge
// of the month's partials, the invoice's Charges, Functions and Settings → a Bill →
// page, CSV and JSON (Page, CSV, JSON). Clerk goes it, for the scheduled function
// and for make bill alike.
//
// What it promises:
//
//   - Nothing is rounded before it is shown. Lambda's work is counted in whole
//     MB·ms, money is a rational number (Money). What has to be divided, as a
//     forecast or a share, is divided by Split, whose parts sum to the whole, and
//     what is shown is cut in the same way: shown parts sum to the shown whole.
//   - Partials merge by adding whole numbers, in any order and grouping.
//   - What can't be read is counted and listed with its file and row. The list is
//     bounded, the count is exact, and no row is in neither.
//   - A line that is delivered twice within an hour counts once (Seen).
//   - Memory is bounded by the number of functions, models and users that are kept,
//     never by the number of lines.
package bill

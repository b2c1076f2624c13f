// Package change says what a deployment would do to a stack and to those nested in
// it, shows it to people, and judges what would be lost.
//
// What CloudFormation says of a change is taken as it is (package main asks). Of
// nested stacks of which it says nothing, Between compares the templates.
//
// What this promises: a change that removes or may replace something that holds
// data (Holds) is among Losses, however deep it is nested.
package change

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Change is what happens to one resource.
type Change struct {
	Stack       string // logical ids of the nested stacks around it, with / between; empty at the top
	Action      Action
	ID          string // logical
	Type        string
	Replacement Replacement // of what is modified
	Retained    bool        // what goes from the stack stays in the account, nobody's any more
	Because     []string    // properties that change
}

// Action is CloudFormation's.
type Action string

// Actions on resources; others, such as imports, come as they are called there.
const (
	Add    Action = "Add"
	Modify Action = "Modify"
	Remove Action = "Remove"
)

// Replacement says whether another resource takes the place of this one.
type Replacement string

// Replacements, as CloudFormation calls them; it can't tell before in the last case.
const (
	Stays    Replacement = "False"
	Replaced Replacement = "True"
	Perhaps  Replacement = "Conditional"
)

// Stack is the type of a nested stack, and Application what SAM makes one of.
const (
	Stack       = "AWS::CloudFormation::Stack"
	Application = "AWS::Serverless::Application"
)

// Path is the resource with the stacks around it: Data/AccountsTable.
func (c Change) Path() string {
	if c.Stack == "" {
		return c.ID
	}
	return c.Stack + "/" + c.ID
}

// holders are types whose resources hold what can't be made again: rows, objects,
// keys, secrets, and messages that users were told are accepted.
var holders = map[string]string{
	"AWS::DynamoDB::Table":         "table",
	"AWS::DynamoDB::GlobalTable":   "table",
	"AWS::Serverless::SimpleTable": "table",
	"AWS::S3::Bucket":              "bucket",
	"AWS::KMS::Key":                "key",
	"AWS::KMS::ReplicaKey":         "key",
	"AWS::SecretsManager::Secret":  "secret",
	"AWS::SQS::Queue":              "queue",
}

// Holds says what a resource of a type is if it holds data; else it is "".
func Holds(typ string) string { return holders[typ] }

// Loss is a change by which something that holds data is lost, or may be.
type Loss struct {
	Change
	What string // table, bucket, …
}

func (l Loss) String() string {
	fate := "would be removed"
	switch {
	case l.Action == Modify && l.Replacement == Perhaps:
		fate = "may be replaced by an empty one"
	case l.Action == Modify:
		fate = "would be replaced by an empty one"
	}
	if l.Retained {
		fate += "; the old one would stay in the account, but nobody would use it"
	}
	if len(l.Because) > 0 {
		fate += " (" + strings.Join(l.Because, ", ") + ")"
	}
	return fmt.Sprintf("%s: this %s %s", l.Path(), l.What, fate)
}

// Losses are what is lost by changes, but for what allowed names by its path.
func Losses(changes []Change, allowed []string) []Loss {
	var losses []Loss
	for _, c := range changes {
		if what := c.loses(); what != "" && !slices.Contains(allowed, c.Path()) {
			losses = append(losses, Loss{c, what})
		}
	}
	return losses
}

func (c Change) loses() string {
	gone := c.Action == Remove || c.Action == Modify && (c.Replacement == Replaced || c.Replacement == Perhaps)
	if !gone {
		return ""
	}
	return Holds(c.Type)
}

const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// Table writes changes for people: by stack, what is lost in red and at the top of
// its stack.
func Table(w io.Writer, changes []Change, colour bool) error {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Stack, b.Stack), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID))
	})
	paint := func(c, s string) string {
		if !colour {
			return s
		}
		return c + s + plain
	}
	for group := range chunks(sorted) {
		var table strings.Builder
		t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
		for _, c := range group {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", c.Action, c.ID, c.Type, c.fate(), strings.Join(c.Because, ", "))
		}
		t.Flush()
		fmt.Fprintln(w, paint(bold, cmp.Or(group[0].Stack, "the stack itself")))
		for i, line := range strings.Split(strings.TrimRight(table.String(), "\n"), "\n") {
			line = strings.TrimRight(line, " ")
			switch c := group[i]; {
			case c.loses() != "":
				line = paint(red, line+"  LOST")
			case c.Action == Remove || c.Replacement == Replaced:
				line = paint(yellow, line)
			}
			fmt.Fprintln(w, line)
		}
	}
	_, err := fmt.Fprintln(w, Count(changes))
	return err
}

// chunks yields runs of changes of one stack.
func chunks(sorted []Change) func(func([]Change) bool) {
	return func(yield func([]Change) bool) {
		for len(sorted) > 0 {
			n := 1
			for n < len(sorted) && sorted[n].Stack == sorted[0].Stack {
				n++
			}
			if !yield(sorted[:n]) {
				return
			}
			sorted = sorted[n:]
		}
	}
}

func rank(c Change) int {
	switch {
	case c.loses() != "":
		return 0
	case c.Action == Remove:
		return 1
	case c.Action == Modify:
		return 2
	}
	return 3
}

func (c Change) fate() string {
	switch {
	case c.Action == Modify && c.Replacement == Replaced:
		return "replaced"
	case c.Action == Modify && c.Replacement == Perhaps:
		return "perhaps replaced"
	case c.Action == Modify:
		return "stays"
	case c.Retained:
		return "retained"
	}
	return "-"
}

// Count says how many changes there are, in words.
func Count(changes []Change) string {
	added, modified, replaced, removed := 0, 0, 0, 0
	for _, c := range changes {
		switch {
		case c.Action == Remove:
			removed++
		case c.Action == Modify && c.Replacement != Stays && c.Replacement != "":
			replaced++
		case c.Action == Modify:
			modified++
		default:
			added++
		}
	}
	return fmt.Sprintf("%d added, %d modified, %d replaced or perhaps, %d removed", added, modified, replaced, removed)
}

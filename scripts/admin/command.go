package main

import (
	"context"
	"flag"
	"slices"
	"strings"
	"time"
)

// command is one thing that admin can do.
type command struct {
	name        string // words, "user show"
	args        string // as shown in help
	least, most int    // number of args; most -1: any
	about       string // its first line stands in the list
	flags       func(*flag.FlagSet, *options)
	run         func(context.Context, *desk, []string) error
}

// options are what flags say.
type options struct {
	where    where
	json     bool
	yes      bool
	messages int
	tokens   int
	storage  int64
	till     string
	older    time.Duration
	within   time.Duration
	queue    string
	all      bool
	grace    time.Duration
	settle   time.Duration
	dropLost bool
	anew     bool
	rate     float64
	after    string
}

func (o *options) register(f *flag.FlagSet) {
	o.where.register(f)
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.yes, "yes", false, "don't ask")
}

func commands() []command {
	return []command{
		{"user show", "USER", 1, 1, "show a user, the limits and what is used of them", nil, showUser},
		{"user set-plan", "USER free|premium", 2, 2, "put a user on a plan\nIt shows in the next access token, within 15 minutes.", func(f *flag.FlagSet, o *options) {
			f.StringVar(&o.till, "till", "", "last day of the plan, 2026-12-31 (default: it has no end)")
		}, setPlan},
		{"user set-limits", "USER", 1, 1, "give a user limits of their own\nA limit that isn't named stays; 0 is the plan's own.", func(f *flag.FlagSet, o *options) {
			f.IntVar(&o.messages, "messages-per-hour", -1, "messages that the user may send in an hour")
			f.IntVar(&o.tokens, "tokens-per-message", -1, "tokens that a message may have")
			f.Int64Var(&o.storage, "storage-bytes", -1, "bytes that the user's files may take")
		}, setLimits},
		{"user disable", "USER", 1, 1, "shut a user out: no log-in, no refresh, no sends, at once", nil, disable},
		{"user enable", "USER", 1, 1, "let a disabled user in again", nil, enable},
		{"user end-sessions", "USER", 1, 1, "log a user out everywhere", nil, endSessions},
		{"reply stuck", "[USER]", 0, 1, "list replies that should have ended; without USER, of everybody (a scan)", olderFlag, stuckReplies},
		{"reply requeue", "USER [REPLY...]", 1, -1, "queue stuck replies of a user again, all or those named\nA reply that was answered meanwhile is left alone by the worker.", func(f *flag.FlagSet, o *options) {
			olderFlag(f, o)
			f.DurationVar(&o.within, "within", 10*time.Minute, "how long they may wait for their start")
		}, requeue},
		{"dlq list", "", 0, 0, "list the messages that were given up\nA message is hidden from others for a few seconds while it is looked at.", queueFlag, listDead},
		{"dlq show", "MESSAGE", 1, 1, "show one of them in full", queueFlag, showDead},
		{"dlq redrive", "[MESSAGE...]", 0, -1, "put them back to where they are handled, those named or --all\nEach keeps its body, and with it the ids of what it is about. One that can't be\nread stays. A message is removed only once its copy is queued; a second copy\ndoes no harm.", func(f *flag.FlagSet, o *options) {
			queueFlag(f, o)
			f.BoolVar(&o.all, "all", false, "all of them")
		}, redrive},
		{"files check", "", 0, 0, "compare the files' table with their bucket\nReads all of both. One line for each difference, with --json one object a line;\nthe exit code is 1 if there are any.", ageFlags, checkFiles},
		{"files repair", "", 0, 0, "repair the differences that files check finds\nIt may run beside everything else, and again: what changes while it is looked\nat is left for the next run. The exit code is 1 if any difference is left.", func(f *flag.FlagSet, o *options) {
			ageFlags(f, o)
			f.BoolVar(&o.dropLost, "drop-lost", false, "delete files whose bytes are gone for good; otherwise they are left")
		}, repairFiles},
		{"index", "USER", 1, 1, "have a user's history indexed for search, as far as it isn't\nWhat has been said in the last minutes is never indexed: search reads it where it\nis. It needs no operator, but for an index that has gone wrong.", func(f *flag.FlagSet, o *options) {
			f.BoolVar(&o.anew, "anew", false, "all of it; what is indexed is searched until then")
		}, index},
		{"index-all", "", 0, 0, "have everybody's history indexed anew, at a set rate\nA scan of the chats' table. What is indexed is searched until its successor is there.\nCtrl-C stops it, and what it then says goes on with the rest.", func(f *flag.FlagSet, o *options) {
			f.Float64Var(&o.rate, "rate", 5, "users a second")
			f.StringVar(&o.after, "after", "", "go on behind the user with that id")
		}, indexAll},
		{"audit", "USER", 1, 1, "show what operators have done to a user", nil, audit},
	}
}

func olderFlag(f *flag.FlagSet, o *options) {
	f.DurationVar(&o.older, "older", 5*time.Minute, "asked longer ago than that")
}

func ageFlags(f *flag.FlagSet, o *options) {
	f.DurationVar(&o.grace, "grace", 24*time.Hour, "leave alone what is younger than that")
	f.DurationVar(&o.settle, "settle", 2*time.Minute, "look again so much later at what seems to differ, which may be under way")
}

func queueFlag(f *flag.FlagSet, o *options) {
	f.StringVar(&o.queue, "queue", "parked", "parked: what no function could handle; dead: prompts on their way to fail-reply")
}

// find returns the command that the arguments begin with and the rest of them;
// the zero command if there is none.
func find(args []string) (command, []string) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c, args[len(words):]
		}
	}
	return command{}, args
}

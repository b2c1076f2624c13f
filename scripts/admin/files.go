package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"parley/scripts/internal/reconcile"
	"parley/shared/file"
	"parley/shared/ingest"
)

// errDiffer is what makes the exit code 1.
var errDiffer = errors.New("the files' table and their bucket differ")

func checkFiles(ctx context.Context, d *desk, _ []string) error { return d.reconcile(ctx, false) }

func repairFiles(ctx context.Context, d *desk, _ []string) error {
	what := ""
	if d.dropLost {
		what = ", and delete files whose bytes are gone for good"
	}
	if err := d.confirm("Repair what differs between the files' table and their bucket%s?", what); err != nil {
		return err
	}
	return d.reconcile(ctx, true)
}

func (d *desk) reconcile(ctx context.Context, repair bool) error {
	who := ""
	if repair {
		who = d.who(ctx)
	}
	sum, err := reconcile.Check{
		Files: d.files, Bucket: d.bucket,
		Remover: &file.Remover{Files: d.files, Graves: d.files, Estates: d.files, Bytes: d.bucket},
		Now:     d.now, Grace: d.grace, Settle: d.settle, Repair: repair, DropLost: d.dropLost,
		Again: func(ctx context.Context, f file.File, key string) error {
			return d.arrivals.Again(ctx, ingest.Arrival{Key: key, Version: f.Version})
		},
		Found:    func(f reconcile.Difference) error { return d.found(who, f) },
		Progress: func(what string) { fmt.Fprintln(d.ask, what) },
	}.Run(ctx)
	if err != nil {
		return err
	}
	if err := d.summary(sum, repair); err != nil {
		return err
	}
	if sum.Left() > 0 {
		return errDiffer
	}
	return nil
}

// found prints a difference, and logs a repair.
func (d *desk) found(who string, f reconcile.Difference) error {
	if f.Repaired {
		d.log.Info("operator's change", "who", who, "user", f.User, "what", fmt.Sprintf("repair %s: %s: %s", f.Kind, place(f), f.Detail))
	}
	if d.json {
		return json.NewEncoder(d.out).Encode(f)
	}
	line := fmt.Sprintf("%-14s  %s: %s", f.Kind, place(f), f.Detail)
	switch {
	case f.Repaired:
		line += "; repaired"
	case f.Why != "":
		line += "; not repaired: " + f.Why
	}
	_, err := fmt.Fprintln(d.out, printable(line))
	return err
}

// place says where a difference is.
func place(f reconcile.Difference) string {
	var words []string
	for _, w := range [][2]string{{"user", f.User}, {"chat", f.Chat}, {"file", f.File}, {"blob", f.SHA}, {"key", f.Key}} {
		if w[1] != "" {
			words = append(words, w[0]+" "+w[1])
		}
	}
	return strings.Join(words, " ")
}

func (d *desk) summary(s reconcile.Summary, repair bool) error {
	if d.json {
		return json.NewEncoder(d.out).Encode(s)
	}
	line := fmt.Sprintf("%d files, %d blobs, %d objects: ", s.Files, s.Blobs, s.Objects)
	switch {
	case s.Found == 0:
		line += "no difference."
	case repair:
		line += fmt.Sprintf("%d differences, %d repaired.", s.Found, s.Repaired)
	default:
		line += fmt.Sprintf("%d differences; admin files repair repairs what can be.", s.Found)
	}
	if s.InMotion > 0 {
		line += fmt.Sprintf(" %d seemed to differ and changed meanwhile.", s.InMotion)
	}
	_, err := fmt.Fprintln(d.out, line)
	return err
}

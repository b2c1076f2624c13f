package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"parley/shared/file"
	"parley/shared/problem"
	"parley/shared/store"
)

var (
	errForPeople   = errors.New("this needs a decision, not a repair")
	errNothingSent = errors.New("nothing lies there to be processed")
	errLost        = errors.New("the bytes are gone for good; --drop-lost deletes their files")
)

// judge looks again at what seems to differ, and reports and repairs what still
// does, in exactly the same way.
func (r *run) judge(ctx context.Context, seem []Difference,
	again func(context.Context) ([]Difference, error), mend func(context.Context, Difference) error) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	is, err := again(ctx)
	if err != nil {
		return err
	}
	for _, d := range seem {
		if !slices.Contains(is, d) {
			r.sum.InMotion++
			continue
		}
		if r.Repair {
			if err := r.mend(ctx, &d, mend); err != nil {
				return err
			}
		}
		if err := r.tell(d); err != nil {
			return err
		}
	}
	return nil
}

// mend repairs, and says in d what came of it. What can't be done is no reason to
// stop; that nothing answers is.
func (r *run) mend(ctx context.Context, d *Difference, mend func(context.Context, Difference) error) error {
	err := mend(ctx, *d)
	switch {
	case err == nil:
		d.Repaired = true
	case errors.Is(err, store.ErrChanged), errors.Is(err, file.ErrBurial), errors.Is(err, file.ErrUnsettled):
		d.Why = "it changes at the moment; the next run looks again"
	case ctx.Err() != nil || problem.From(err).Kind == problem.Unavailable:
		return err
	default:
		d.Why = err.Error()
	}
	return nil
}

// settle waits until what was under way when the check began has come to its end.
func (r *run) settle(ctx context.Context) error {
	wait := r.Settle - r.Now().Sub(r.read)
	if wait <= 0 {
		return nil
	}
	if r.Progress != nil {
		r.Progress("waiting " + wait.Round(time.Second).String() + " before what seems to differ is looked at again")
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *run) tell(d Difference) error {
	r.sum.Found++
	if d.Repaired {
		r.sum.Repaired++
	}
	return r.Found(d)
}
